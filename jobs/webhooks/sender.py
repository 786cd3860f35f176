"""Post messages to partners' endpoints, within limits of time and size, and to permitted addresses only.

A redirect is not followed: its target would be an address that the partner has not given us, and the signature would go
there too. It counts as a failure.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import h11
import httpcore
import httpx

from jobs.providers.retry_after import requested_wait_s
from jobs.reach.urls import allowed_url, port_of
from jobs.webhooks.http_stream import HttpStream
from jobs.webhooks.limits import SendLimits
from jobs.webhooks.reach import WebhookReach
from statemachine.vocabulary import WebhookFailure

_HEADERS = {"user-agent": "Diorama", "accept": "*/*", "accept-encoding": "identity"}
# Threads that resolve names. A slow name server must not delay the endpoints whose last attempt succeeded.
_RESOLVERS = 16


@dataclass(frozen=True, slots=True)
class Sent:
    """The outcome of an attempt: `failure` is None if it was delivered; `status` is None without a response.

    `retry_after_s` is the wait that a failed response requests.
    """

    status: int | None
    failure: WebhookFailure | None
    duration_ms: int
    retry_after_s: float | None = None


class WebhookSender:
    """Opens connections to endpoints. Each belongs to one event loop; `close` ends the threads that resolve names."""

    def __init__(self, reach: WebhookReach | None = None, limits: SendLimits | None = None) -> None:
        self._reach = reach or WebhookReach()
        self._limits = limits or SendLimits()
        self._trust = httpx.create_ssl_context()
        self._resolving = {
            failing: ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="webhook-names") for failing in (False, True)
        }

    @property
    def reach(self) -> WebhookReach:
        """Return the addresses that it connects to."""
        return self._reach

    @asynccontextmanager
    async def connection(self, url: str, *, failing: bool = False) -> AsyncIterator[EndpointConnection]:
        """Yield a connection to an endpoint, opened at its first message and for the block only.

        `failing` says that its last attempt failed.
        """
        parsed = allowed_url(url, self._reach.reach, self._reach.schemes)
        opened = EndpointConnection(parsed, partial(self._open, failing=failing), self._limits)
        try:
            yield opened
        finally:
            opened.close()

    async def _open(self, url: httpx.URL, *, failing: bool) -> HttpStream:
        """Connect to the first permitted address of a host that responds. Raises OSError or httpcore.ConnectError."""
        host, port = url.raw_host.decode("ascii"), port_of(url)
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._resolving[failing], self._reach.reach.addresses, host, port)
        encrypted: dict[str, Any] = {"ssl": self._trust, "server_hostname": host} if url.scheme == "https" else {}
        failed: OSError | None = None
        for address in found:
            try:
                async with asyncio.timeout(self._limits.connect_s):
                    return HttpStream(*await asyncio.open_connection(address, port, **encrypted))
            except OSError as error:
                failed = error
        raise failed or ConnectionError("the host has no allowed address")

    def close(self) -> None:
        """End the threads that resolve names; one that still waits for a name server is left behind."""
        for threads in self._resolving.values():
            threads.shutdown(wait=False, cancel_futures=True)


class EndpointConnection:
    """Posts messages to one endpoint, one after the other. `url` is None if it may no longer be connected to."""

    def __init__(
        self, url: httpx.URL | None, open_stream: Callable[[httpx.URL], Awaitable[HttpStream]], limits: SendLimits
    ) -> None:
        self._url = url
        self._open_stream = open_stream
        self._limits = limits
        self._stream: HttpStream | None = None

    async def post(self, headers: Mapping[str, str], body: str) -> Sent:
        """Post a message, and return what came of it. Never raises for what an endpoint does."""
        began = time.monotonic()
        status, wait_s, failure = None, None, None
        try:
            status, wait_s = await self._exchange(headers, body.encode())
            failure = None if 200 <= status < 300 else WebhookFailure.BAD_STATUS
        except TimeoutError:
            failure = WebhookFailure.TIMED_OUT
        except (OSError, httpcore.ConnectError, h11.ProtocolError):
            failure = WebhookFailure.UNREACHABLE
        if failure is not None:
            self.close()
        return Sent(status, failure, round(1000 * (time.monotonic() - began)), wait_s)

    def close(self) -> None:
        """Close the connection, if one is open."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    async def _exchange(self, headers: Mapping[str, str], content: bytes) -> tuple[int, float | None]:
        """Return the status of the response, and the wait that it requests."""
        async with asyncio.timeout(self._limits.total_s):
            response = await self._response(headers, content)
        if self._stream is not None and not await self._stream.is_reusable(self._limits):
            self.close()
        found = dict(response.headers)
        return response.status_code, requested_wait_s("", found.get(b"retry-after", b"").decode("latin-1") or None)

    async def _response(self, headers: Mapping[str, str], content: bytes) -> h11.Response:
        """Send a request and return the head of the response."""
        if self._url is None:
            raise ConnectionError("the address is not allowed")
        given = {"host": self._url.netloc.decode(), **_HEADERS, **headers, "content-length": str(len(content))}
        request = h11.Request(method="POST", target=self._url.raw_path, headers=list(given.items()))
        if self._stream is not None:
            try:
                return await self._stream.exchange(request, content)
            except (OSError, h11.RemoteProtocolError):
                # The endpoint has closed it since the last message. If it had read this one, it reads it twice.
                self.close()
        self._stream = await self._open_stream(self._url)
        return await self._stream.exchange(request, content)
