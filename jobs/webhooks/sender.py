"""Post messages to partners' endpoints, within limits of time and size, and to permitted addresses only.

A redirect is not followed: its target would be an address that the partner has not given us, and the signature would go
there too. It counts as a failure.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpcore
import httpx

from jobs.providers.retry_after import requested_wait_s
from jobs.reach.async_connecting import AsyncPublicBackend
from jobs.reach.urls import allowed_url
from jobs.webhooks.reach import WebhookReach
from statemachine.vocabulary import WebhookFailure

_HEADERS = {"user-agent": "Diorama", "accept": "*/*", "accept-encoding": "identity"}
# Threads that resolve names. A slow name server must not delay the endpoints whose last attempt succeeded.
_RESOLVERS = 16
_NETWORK_ERRORS = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, ssl.SSLError, OSError)


@dataclass(frozen=True, slots=True)
class SendLimits:
    """In seconds: `connect_s` bounds each connection, `total_s` an attempt up to the head of the response.

    Its body has no meaning. It is read for `body_s` and up to `body_bytes`, so that the connection can be used again;
    a longer one ends the connection.
    """

    connect_s: float = 5.0
    total_s: float = 15.0
    body_s: float = 1.0
    body_bytes: int = 16 * 1024


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
    """Opens connections to endpoints. It belongs to one event loop; `close` ends its threads."""

    def __init__(self, reach: WebhookReach | None = None, limits: SendLimits | None = None) -> None:
        self._reach = reach or WebhookReach()
        self._limits = limits or SendLimits()
        self._trust = httpx.create_ssl_context()
        self._resolving = {
            failing: ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="webhook-names") for failing in (False, True)
        }

    @asynccontextmanager
    async def connection(self, url: str, *, failing: bool = False) -> AsyncIterator[EndpointConnection]:
        """Yield a connection to an endpoint, opened at its first message and for the block only.

        `failing` says that its last attempt failed.
        """
        backend = AsyncPublicBackend(self._reach.reach, self._resolving[failing])
        async with httpcore.AsyncConnectionPool(
            ssl_context=self._trust, max_connections=1, network_backend=backend
        ) as pool:
            yield EndpointConnection(pool, allowed_url(url, self._reach.reach, self._reach.schemes), self._limits)

    @property
    def reach(self) -> WebhookReach:
        """Return the addresses that it connects to."""
        return self._reach

    def close(self) -> None:
        """End the threads that resolve names; one that still waits for a name server is left behind."""
        for threads in self._resolving.values():
            threads.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class EndpointConnection:
    """Posts messages to one endpoint, one after the other. `_url` is None if it may no longer be connected to."""

    _pool: httpcore.AsyncConnectionPool
    _url: httpx.URL | None
    _limits: SendLimits

    async def post(self, headers: Mapping[str, str], body: str) -> Sent:
        """Post a message, and return what came of it. Never raises for what an endpoint does."""
        began = time.monotonic()
        status, wait_s, failure = None, None, None
        try:
            status, wait_s = await self._exchange(headers, body)
            failure = None if 200 <= status < 300 else WebhookFailure.BAD_STATUS
        except (TimeoutError, httpcore.TimeoutException):
            failure = WebhookFailure.TIMED_OUT
        except _NETWORK_ERRORS:
            failure = WebhookFailure.UNREACHABLE
        return Sent(status, failure, round(1000 * (time.monotonic() - began)), wait_s)

    async def _exchange(self, headers: Mapping[str, str], body: str) -> tuple[int, float | None]:
        """Return the status of the response, and the wait that it requests."""
        async with asyncio.timeout(self._limits.total_s):
            response = await self._pool.handle_async_request(self._request(headers, body.encode()))
        try:
            await self._read(response)
        finally:
            await response.aclose()
        found = {name.lower(): value for name, value in response.headers}
        return response.status, requested_wait_s("", found.get(b"retry-after", b"").decode("latin-1") or None)

    def _request(self, headers: Mapping[str, str], content: bytes) -> httpcore.Request:
        if self._url is None:
            raise httpcore.ConnectError("the address is not allowed")
        given = {"host": self._url.netloc.decode(), **_HEADERS, **headers, "content-length": str(len(content))}
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self._limits.total_s)
        url = httpcore.URL(
            scheme=self._url.raw_scheme, host=self._url.raw_host, port=self._url.port, target=self._url.raw_path
        )
        return httpcore.Request(
            b"POST",
            url,
            headers=[(name.encode(), value.encode()) for name, value in given.items()],
            content=content,
            extensions={"timeout": {**timeouts, "connect": self._limits.connect_s}},
        )

    async def _read(self, response: httpcore.Response) -> None:
        total = 0
        with suppress(TimeoutError, httpcore.TimeoutException, *_NETWORK_ERRORS):
            async with asyncio.timeout(self._limits.body_s):
                async for chunk in response.aiter_stream():
                    total += len(chunk)
                    if total > self._limits.body_bytes:
                        return
