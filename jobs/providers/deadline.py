"""A deadline for a whole call, from the connection to the last byte of the response.

An HTTP client's timeouts bound each wait for the next piece, and a response may come in any number of pieces: a server
that sends a byte a second would be waited for forever. Here every wait is cut to what is left for the whole call.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

# By the monotonic clock; None if the calls of this thread have no deadline.
_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)

# Bytes per write: a large request that the server reads slowly checks the deadline this often.
_WRITE_BYTES = 64 * 1024


@contextmanager
def within(limit_s: float) -> Iterator[None]:
    """End the calls within the block after `limit_s` seconds with an httpx timeout; the nearest deadline wins."""
    ends_at, outer = time.monotonic() + limit_s, _ends_at.get()
    token = _ends_at.set(ends_at if outer is None else min(ends_at, outer))
    try:
        yield
    finally:
        _ends_at.reset(token)


def transport(
    most_connections: int, *, backend: Backend | None = None, keep_open_s: float = 5.0
) -> httpx.HTTPTransport:
    """Return a transport that obeys the deadline of `within`; unused connections stay open for `keep_open_s`."""
    trust = httpx.create_ssl_context()
    made = httpx.HTTPTransport(verify=trust)
    # httpx has no parameter for the network backend; its pool has.
    made._pool = httpcore.ConnectionPool(
        ssl_context=trust,
        max_connections=most_connections,
        keepalive_expiry=keep_open_s,
        network_backend=backend or Backend(),
    )
    return made


def _left_s(timeout_s: float | None, too_late: type[httpcore.TimeoutException]) -> float | None:
    """Return the longest wait allowed; raise `too_late` if the deadline has passed."""
    ends_at = _ends_at.get()
    if ends_at is None:
        return timeout_s
    left_s = ends_at - time.monotonic()
    if left_s <= 0:
        raise too_late("the deadline of the call has passed")
    return left_s if timeout_s is None else min(timeout_s, left_s)


class Backend(httpcore.SyncBackend):
    """Opens connections that obey the deadline."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Open a connection within what is left of the deadline."""
        timeout = _left_s(timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, timeout, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    """A connection that obeys the deadline of the current caller."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left_s(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for at in range(0, len(buffer), _WRITE_BYTES):
            self._inner.write(buffer[at : at + _WRITE_BYTES], _left_s(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        timeout = _left_s(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        self._inner.close()
