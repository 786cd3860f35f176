"""Fetch a picture from a public address into a file, within limits of size, time and redirects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from jobs.full_disk import is_full_disk
from jobs.providers import deadline
from jobs.reach.connecting import PublicBackend, Reach
from jobs.reach.urls import allowed_url

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Without compression no response is larger in memory than on the wire.
_HEADERS = {"accept": "image/*", "accept-encoding": "identity", "user-agent": "Diorama"}


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """In seconds: `wait_s` bounds the wait for each piece, `total_s` the whole fetch with its redirects."""

    wait_s: float = 5.0
    total_s: float = 20.0
    redirects_max: int = 3


class NotFetched(Exception):
    """Nothing usable came from the address. The message is for the log, and contains no URL."""


class FileTooLarge(Exception):
    """The response is larger than a picture may be."""


class PictureFetcher:
    """Fetches pictures. One instance serves all threads of a process; it keeps no cookies and no connections."""

    def __init__(self, reach: Reach | None = None, limits: FetchLimits | None = None) -> None:
        self._reach = reach or Reach()
        self._limits = limits or FetchLimits()
        self._transport = deadline.transport(most_connections=100, backend=PublicBackend(self._reach), keep_open_s=0.0)

    @property
    def limits(self) -> FetchLimits:
        """Return the limits of a fetch."""
        return self._limits

    def allowed(self, url: str) -> httpx.URL | None:
        """Return the URL, parsed, if it is http or https without credentials, on an allowed port; else None."""
        return allowed_url(url, self._reach)

    def fetch(self, url: str, target: Path, *, most_bytes: int) -> None:
        """Write what is at the address to `target`. Raises NotFetched or FileTooLarge, and OSError for a full disk."""
        parsed = self.allowed(url)
        try:
            with deadline.within(self._limits.total_s):
                for _ in range(self._limits.redirects_max + 1):
                    if parsed is None:
                        raise NotFetched("the address is not allowed")
                    with self._opened(parsed) as response:
                        if response.status_code not in _REDIRECTS:
                            return _save(response, target, most_bytes)
                        parsed = self._redirected(response)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            if is_full_disk(error):
                raise
            raise NotFetched(type(error).__name__) from None
        raise NotFetched("too many redirects")

    @contextmanager
    def _opened(self, url: httpx.URL) -> Iterator[httpx.Response]:
        headers = {"host": url.netloc.decode(), **_HEADERS}
        request = httpx.Request("GET", url, headers=headers, extensions={"timeout": self._timeouts()})
        response = self._transport.handle_request(request)
        response.request = request
        try:
            yield response
        finally:
            response.close()

    def _timeouts(self) -> dict[str, float]:
        return dict.fromkeys(("connect", "read", "write", "pool"), self._limits.wait_s)

    def _redirected(self, response: httpx.Response) -> httpx.URL | None:
        """Return the address of a redirect, checked like the first; None if it is not allowed, or drops https."""
        came_from = response.request.url
        try:
            target = self.allowed(str(came_from.join(response.headers.get("location", ""))))
        except ValueError:
            # From the standard library, which joins the two: httpx has an error of its own.
            return None
        is_downgrade = target is not None and came_from.scheme == "https" and target.scheme == "http"
        return None if is_downgrade else target


def _save(response: httpx.Response, target: Path, most_bytes: int) -> None:
    if response.status_code != 200:
        raise NotFetched(f"HTTP {response.status_code}")
    if int(response.headers.get("content-length", "0"), 10) > most_bytes:
        raise FileTooLarge
    total = 0
    with target.open("wb") as file:
        for chunk in response.iter_raw():
            total += len(chunk)
            if total > most_bytes:
                raise FileTooLarge
            file.write(chunk)
