"""Replicate, through its own SDK behind the guard.

The SDK's typed models reject unknown statuses, and a whole page of predictions with them, so responses are read here,
tolerantly, from the JSON that the SDK's client returns.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
from replicate.client import Client

from jobs.providers import deadline, failures, inline
from jobs.providers.clock import ProviderClock
from jobs.providers.guard import ErrorResponse, GuardTransport, Timeouts, canceled_after, checked_before_sending
from jobs.providers.orphan_search import created_between, find_in
from jobs.providers.provider import Listed, OutputVanished, Prediction, ProviderError, Sought, Submission
from jobs.providers.records import ADDRESS, items, page_at, read_listed, read_prediction, understood
from statemachine.outcomes import Accepted, OutcomeLost, Refused, Rejected, RetryPolicy

_PAGES_MAX = 40
_WEBHOOK_EVENTS = ["start", "completed"]
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class ReplicateSettings:
    """The connection to Replicate. Outputs are fetched only from `delivery_hosts` (host, or host:port) and subdomains.

    `first_poll_s` is the delay between a submission and the first poll of its prediction.
    """

    api_token: str = field(repr=False)
    base_url: str = "https://api.replicate.com"
    delivery_hosts: tuple[str, ...] = ("replicate.delivery",)
    timeouts: Timeouts = field(default_factory=Timeouts)
    first_poll_s: float = 2.0


class ReplicateProvider:
    """Implements `jobs.providers.provider.Provider`. One instance serves all threads of a process."""

    def __init__(self, settings: ReplicateSettings) -> None:
        self._settings = settings
        self._clock = ProviderClock()
        transport = GuardTransport(deadline.transport(most_connections=100), settings.timeouts, self._clock)
        self._client = Client(api_token=settings.api_token, base_url=settings.base_url, transport=transport)
        # A client of its own: the SDK's sends the token to any host that an output names.
        self._downloads = httpx.Client(
            transport=deadline.transport(most_connections=100),
            timeout=httpx.Timeout(30.0, connect=5.0),
            follow_redirects=False,
        )

    def submit(self, submission: Submission) -> Accepted | Refused | Rejected | OutcomeLost:
        """Make the paid call once and return what is known of it; raise NotSent if its final check stops it."""
        path = f"/v1/models/{submission.model}/predictions"
        try:
            with canceled_after(submission.cancel_after), checked_before_sending(submission.final_check):
                response = self._client._request("POST", path, json=_body(submission))
            prediction = read_prediction(response.json())
        except ErrorResponse as error:
            return _of_error_response(error)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Refused(failures.unreachable(error))
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            # The request may have been read in all other cases: only the provider knows.
            return OutcomeLost(f"{type(error).__name__} after sending")
        return Accepted(prediction.id, self._settings.first_poll_s, prediction.created_at)

    def get(self, prediction_id: str) -> Prediction:
        """Return a prediction, or raise ProviderError."""
        record = self._read("GET", f"/v1/predictions/{quote(prediction_id)}")
        with understood():
            return read_prediction(record)

    def cancel(self, prediction_id: str) -> Prediction | None:
        """Cancel a prediction and return it as it is then; None if it is unknown."""
        try:
            record = self._read("POST", f"/v1/predictions/{quote(prediction_id)}/cancel")
        except ProviderError as error:
            if error.failure.status != _NOT_FOUND:
                raise
            return None
        with understood():
            return read_prediction(record)

    def upload(self, name: str, content: bytes, token: UUID) -> str:
        """Store a JPEG in the Files API, which removes it after a day, and return the URL that models read."""
        form = {
            "content": (name, content, "image/jpeg"),
            "metadata": (None, json.dumps({"token": str(token)}), "application/json"),
        }
        record = self._read("POST", "/v1/files", files=form)
        with understood():
            address = record["urls"]["get"]
            if not address.startswith(ADDRESS):
                raise ValueError("the file has no address")
        return str(address)

    def remove(self, address: str) -> None:
        """Delete a file of the Files API; one that is gone is fine."""
        try:
            self._client._request("DELETE", f"/v1/files/{quote(address.rpartition('/')[2])}")
        except ErrorResponse as error:
            if error.status != _NOT_FOUND:
                raise ProviderError(failures.of_status(error.status, error.body, error.retry_after_s)) from None
        except httpx.HTTPError as error:
            raise ProviderError(failures.unreachable(error)) from None

    def now(self) -> datetime:
        """Return the provider's time at the start of this call; make a call if no recent response gave it."""
        asked = time.monotonic()
        if self._clock.now() is None:
            self._read("GET", "/v1/account")
        now = self._clock.now()
        if now is None:
            raise ProviderError(failures.unreachable(TypeError("the response gives no time")))
        return now - timedelta(seconds=time.monotonic() - asked)

    def find(self, sought: Sought) -> str | None:
        """Return the id of the prediction that carries a submission's token or its picture's address, or None."""
        return find_in(self.listed(*created_between(self.now(), sought.age)), sought)

    def listed(self, after: datetime, before: datetime | None = None) -> Iterator[tuple[Listed, ...]]:
        """Yield the predictions created between two times, newest first, one call per page."""
        until = f"&created_before={quote(before.isoformat())}" if before else ""
        path: str | None = f"/v1/predictions?created_after={quote(after.isoformat())}{until}"
        for _ in range(_PAGES_MAX):
            page = self._read("GET", path or "")
            with understood():
                results = tuple(read_listed(record) for record in page["results"])
            yield results
            with understood():
                path = page_at(page.get("next"))
            if path is None:
                return
        raise ProviderError(failures.unreachable(LookupError(f"no end of the list after {_PAGES_MAX} pages")))

    @contextmanager
    def fetch(self, url: str, *, most_bytes: int) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Open an output without any credentials, from the known hosts only, or read it from its prediction."""
        if url.startswith(inline.ADDRESS):
            content_type, content = self._inline(url, most_bytes)
            yield content_type, iter((content,))
            return
        self._check_host(url)
        try:
            with (
                deadline.within(self._settings.timeouts.output_s),
                self._downloads.stream("GET", url) as response,
            ):
                if response.status_code in (404, 410):
                    raise OutputVanished(f"HTTP {response.status_code}")
                if response.status_code != 200:
                    raise ProviderError(failures.of_status(max(500, response.status_code), "", None))
                yield response.headers.get("content-type", ""), _bounded(response, most_bytes)
        except httpx.HTTPError as error:
            raise ProviderError(failures.unreachable(error)) from None

    def _inline(self, address: str, most_bytes: int) -> tuple[str, bytes]:
        """Return the type and the bytes of an output inside its prediction, which the provider keeps for an hour."""
        try:
            prediction_id, position = inline.place_of(address)
            record = self._read("GET", f"/v1/predictions/{quote(prediction_id, safe='')}")
            return inline.decoded(items(record.get("output"))[position], most_bytes)
        except inline.TooLarge:
            raise OutputVanished(f"the output is larger than {most_bytes} bytes") from None
        except (ValueError, IndexError):
            raise OutputVanished("the prediction no longer contains its output") from None
        except ProviderError as error:
            if error.failure.status != _NOT_FOUND:
                raise
            raise OutputVanished("the provider no longer knows the prediction") from None

    def webhook_key(self) -> str:
        """Return the key that signs this account's webhooks, or raise ProviderError."""
        key = self._read("GET", "/v1/webhooks/default/secret").get("key")
        if not isinstance(key, str) or not key:
            raise ProviderError(failures.unreachable(TypeError("the response contains no key")))
        return key

    def close(self) -> None:
        """Close the connections."""
        self._downloads.close()

    def _read(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        try:
            record = self._client._request(method, path, **sent).json()
        except ErrorResponse as error:
            raise ProviderError(failures.of_status(error.status, error.body, error.retry_after_s)) from None
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderError(failures.unreachable(error)) from None
        if not isinstance(record, dict):
            raise ProviderError(failures.unreachable(TypeError("the response is not an object")))
        return record

    def _check_host(self, url: str) -> None:
        try:
            # Parsed by the client that fetches it: two parsers may disagree on the host.
            place = httpx.URL(url).netloc.decode("ascii")
        except httpx.InvalidURL:
            raise OutputVanished("the output's URL is invalid") from None
        if not any(place == allowed or place.endswith(f".{allowed}") for allowed in self._settings.delivery_hosts):
            raise OutputVanished(f"the output is on a host that is not allowed: {place}")


def _of_error_response(error: ErrorResponse) -> Refused | Rejected | OutcomeLost:
    """Return the outcome of an error: a 4xx proves non-acceptance; a 5xx may come from a proxy."""
    if error.status >= 500:
        return OutcomeLost(f"HTTP {error.status} after sending")
    failure = failures.of_status(error.status, error.body, error.retry_after_s)
    return Rejected(failure) if failure.retry_policy is RetryPolicy.NEVER else Refused(failure)


def _body(submission: Submission) -> dict[str, Any]:
    notified = {"webhook": submission.webhook, "webhook_events_filter": _WEBHOOK_EVENTS} if submission.webhook else {}
    return {"input": submission.input, **notified}


def _bounded(response: httpx.Response, most_bytes: int) -> Iterator[bytes]:
    """Yield an output as it arrives, so that the reader regains control however slow it is.

    An output larger than any real one counts as vanished.
    """
    total = 0
    for chunk in response.iter_bytes():
        total += len(chunk)
        if total > most_bytes:
            raise OutputVanished(f"the output is larger than {most_bytes} bytes")
        yield chunk
