"""The guard between Replicate's SDK and the network.

The SDK (1.0.7) sends a create without any timeout, repeats reads inside the call for as long as a `Retry-After`
says, loses what an error answer said, and can set no header for one call. Its client takes a transport, so this one
puts it right: every call has a deadline, an error answer becomes `ErrorResponse` at once, and a create carries
`Cancel-After`, and looks once more before its first byte whether it may still be made. Answers tell the provider's
time, which the SDK does not pass on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import httpx

from jobs.providers.clock import ProviderClock
from jobs.providers.deadline import within
from jobs.providers.retry_after import asked_wait_s

_cancel_after: ContextVar[timedelta | None] = ContextVar("cancel_after", default=None)
_last_look: ContextVar[Callable[[], None] | None] = ContextVar("final_check", default=None)

# An error page may be of any size; the classifier looks at its first 20,000 characters.
_ERROR_BYTES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds. `answer_s` bounds the wait for each piece of an answer, `output_s` the fetching of an output."""

    connect_s: float = 5.0
    answer_s: float = 30.0
    output_s: float = 600.0

    @property
    def call_s(self) -> float:
        """How long a whole call may take, from the connection to the last byte of its answer."""
        return 2 * self.answer_s

    def as_extension(self) -> dict[str, float]:
        """Return the timeouts as httpx hands them to a transport."""
        return {"connect": self.connect_s, "read": self.answer_s, "write": self.answer_s, "pool": self.connect_s}


class ErrorResponse(Exception):
    """The API answered with status 400 or above. `body` is its text; `retry_after_s` what it asked for, or None."""

    def __init__(self, status: int, body: str, retry_after_s: float | None) -> None:
        self.status = status
        self.body = body
        self.retry_after_s = retry_after_s
        super().__init__(f"HTTP {status}")


class GuardTransport(httpx.BaseTransport):
    """Wraps the transport that the SDK's client uses. `clock` is told the time of each answer."""

    def __init__(self, inner: httpx.BaseTransport, timeouts: Timeouts, clock: ProviderClock) -> None:
        self._inner = inner
        self._timeouts = timeouts
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, with the bound on a prediction's life where one is set, and read the answer in time."""
        request.extensions["timeout"] = self._timeouts.as_extension()
        cancel_after = _cancel_after.get()
        if cancel_after is not None and request.method == "POST":
            request.headers["Cancel-After"] = f"{max(5, int(cancel_after.total_seconds()))}s"
        final_check = _last_look.get()
        if final_check is not None and request.method == "POST":
            request.extensions["trace"] = partial(_traced, final_check)
        with within(self._timeouts.call_s):
            response = self._inner.handle_request(request)
            if response.status_code >= 400:
                # Perhaps that of something in between, whose clock is its own.
                raise _error_response(response)
            self._clock.tell(response.headers.get("date"))
            # Here and not by the client, for which the deadline would be over.
            response.read()
        return response

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def _traced(final_check: Callable[[], None], event: str, _: object) -> None:
    """Look once more when a request is about to be written: connections take time to open, and so does waiting."""
    if event.endswith("send_request_headers.started"):
        final_check()


@contextmanager
def checked_before_sending(final_check: Callable[[], None]) -> Iterator[None]:
    """Have every create within the block call `final_check` before its first byte; what that raises holds it back."""
    token = _last_look.set(final_check)
    try:
        yield
    finally:
        _last_look.reset(token)


@contextmanager
def canceled_after(limit: timedelta) -> Iterator[None]:
    """Have every create within the block carry `Cancel-After`; the provider's least is five seconds."""
    token = _cancel_after.set(limit)
    try:
        yield
    finally:
        _cancel_after.reset(token)


def _error_response(response: httpx.Response) -> ErrorResponse:
    body = _beginning(response).decode("utf-8", errors="replace")
    return ErrorResponse(response.status_code, body, asked_wait_s(body, response.headers.get("retry-after")))


def _beginning(response: httpx.Response) -> bytes:
    """Return what says what is wrong: the beginning of the body, or what came of it."""
    body = bytearray()
    try:
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) >= _ERROR_BYTES_MAX:
                break
    except httpx.HTTPError:
        return bytes(body)
    finally:
        response.close()
    return bytes(body)
