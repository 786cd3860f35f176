"""The guard between Replicate's SDK and the network.

The SDK (1.0.7) sends a create without any timeout, repeats reads inside the call for as long as `Retry-After` says,
drops the body of an error response, and cannot set a header for one call. Its client takes a transport, so this one
corrects it: every call has a deadline and a limit of bytes, an error response raises `ErrorResponse` at once, and a
create carries `Cancel-After` and runs a final check before its first byte. Responses give the provider's time, which
the SDK does not pass on.
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
from jobs.providers.retry_after import requested_wait_s

_cancel_after: ContextVar[timedelta | None] = ContextVar("cancel_after", default=None)
_final_check: ContextVar[Callable[[], None] | None] = ContextVar("final_check", default=None)

# An error page may be of any size; the classifier reads its first 20,000 characters.
_ERROR_BYTES_MAX = 100_000
# A page lists a hundred predictions with their inputs, each a picture of up to a megabyte in base64; an output inside a
# prediction is smaller than that page.
RESPONSE_BYTES_MAX = 256 * 2**20
# They describe the body as it was sent.
_OF_THE_WIRE = ("content-encoding", "content-length", "transfer-encoding")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds. `response_s` bounds the wait for each piece of a response, `output_s` the fetching of an output."""

    connect_s: float = 5.0
    response_s: float = 30.0
    output_s: float = 600.0

    @property
    def call_s(self) -> float:
        """Return the limit of a whole call, from the connection to the last byte of its response."""
        return 2 * self.response_s

    def as_extension(self) -> dict[str, float]:
        """Return the timeouts in the form that httpx hands to a transport."""
        return {"connect": self.connect_s, "read": self.response_s, "write": self.response_s, "pool": self.connect_s}


class ErrorResponse(Exception):
    """The API returned status 400 or above. `body` is its text; `retry_after_s` the wait it requested, or None."""

    def __init__(self, status: int, body: str, retry_after_s: float | None) -> None:
        self.status = status
        self.body = body
        self.retry_after_s = retry_after_s
        super().__init__(f"HTTP {status}")


class ResponseTooLarge(httpx.TransportError):
    """The response has more bytes than any real one, decompressed; the rest was not read."""


class GuardTransport(httpx.BaseTransport):
    """Wraps the transport of the SDK's client. `clock` observes the time of each response."""

    def __init__(self, inner: httpx.BaseTransport, timeouts: Timeouts, clock: ProviderClock) -> None:
        self._inner = inner
        self._timeouts = timeouts
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, with `Cancel-After` if set, and read the response within the deadline."""
        request.extensions["timeout"] = self._timeouts.as_extension()
        cancel_after = _cancel_after.get()
        if cancel_after is not None and request.method == "POST":
            request.headers["Cancel-After"] = f"{max(5, int(cancel_after.total_seconds()))}s"
        final_check = _final_check.get()
        if final_check is not None and request.method == "POST":
            request.extensions["trace"] = partial(_traced, final_check)
        with within(self._timeouts.call_s):
            response = self._inner.handle_request(request)
            if response.status_code >= 400:
                # The date may come from a proxy, whose clock is its own.
                raise _error_response(response)
            self._clock.observe(response.headers.get("date"))
            # Read here and not by the client, which would read it outside the deadline, and without a limit.
            return _read(response)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def _traced(final_check: Callable[[], None], event: str, _: object) -> None:
    """Look once more when a request is about to be written: connections take time to open, and so does waiting."""
    if event.endswith("send_request_headers.started"):
        final_check()


@contextmanager
def checked_before_sending(final_check: Callable[[], None]) -> Iterator[None]:
    """Call `final_check` before the first byte of every create within the block; if it raises, nothing is sent."""
    token = _final_check.set(final_check)
    try:
        yield
    finally:
        _final_check.reset(token)


@contextmanager
def canceled_after(limit: timedelta) -> Iterator[None]:
    """Add `Cancel-After` to every create within the block; the provider's minimum is five seconds."""
    token = _cancel_after.set(limit)
    try:
        yield
    finally:
        _cancel_after.reset(token)


def _read(response: httpx.Response) -> httpx.Response:
    """Return a response with its whole body. Raises ResponseTooLarge."""
    body = bytearray()
    try:
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > RESPONSE_BYTES_MAX:
                raise ResponseTooLarge(f"the response has more than {RESPONSE_BYTES_MAX} bytes")
    finally:
        response.close()
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _OF_THE_WIRE]
    return httpx.Response(response.status_code, headers=headers, content=bytes(body), extensions=response.extensions)


def _error_response(response: httpx.Response) -> ErrorResponse:
    body = _beginning(response).decode("utf-8", errors="replace")
    return ErrorResponse(response.status_code, body, requested_wait_s(body, response.headers.get("retry-after")))


def _beginning(response: httpx.Response) -> bytes:
    """Return the beginning of an error's body, as much as arrived."""
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
