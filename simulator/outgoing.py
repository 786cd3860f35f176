"""Clients for what the simulator itself asks of others: input files to fetch and webhooks to tell."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def _trust() -> ssl.SSLContext:
    """Return the certificates that are trusted. Reading them takes longer than all the rest of a start."""
    return httpx.create_ssl_context()


def outgoing_client(*, timeout_s: float, follow_redirects: bool) -> httpx.AsyncClient:
    """Return a client that ignores proxies, so that it also reaches what listens on this machine."""
    return httpx.AsyncClient(
        verify=_trust(),
        timeout=timeout_s,
        follow_redirects=follow_redirects,
        trust_env=False,
        limits=httpx.Limits(max_connections=200, max_keepalive_connections=50),
    )
