"""The HTTP client for the simulator's own requests: to fetch input files and to send webhooks."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def _trust() -> ssl.SSLContext:
    """Return the trusted certificates. Reading them takes longer than the rest of the start."""
    return httpx.create_ssl_context()


def outgoing_client(*, timeout_s: float, follow_redirects: bool) -> httpx.AsyncClient:
    """Return a client that ignores proxies, so that it also reaches servers on this machine."""
    return httpx.AsyncClient(
        verify=_trust(),
        timeout=timeout_s,
        follow_redirects=follow_redirects,
        trust_env=False,
        limits=httpx.Limits(max_connections=200, max_keepalive_connections=50),
    )
