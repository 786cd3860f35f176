"""The URLs that a partner may give us to connect to."""

from __future__ import annotations

from collections.abc import Collection

import httpx

from jobs.reach.connecting import Reach

URL_CHARACTERS_MAX = 2048
WEB = frozenset({"http", "https"})


def allowed_url(url: str, reach: Reach, schemes: Collection[str] = WEB) -> httpx.URL | None:
    """Return the URL, parsed, if it has one of the schemes, no credentials and an allowed port; else None."""
    if len(url) > URL_CHARACTERS_MAX or not url.isprintable() or url != url.strip():
        return None
    try:
        # Parsed by the client that connects to it: two parsers may disagree on the host.
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return None
    # Not `host`, which decodes punycode and raises for the name of an emoji; a request without a Host reads it too.
    is_ours = parsed.scheme in schemes and parsed.raw_host != b"" and parsed.userinfo == b""
    return parsed if is_ours and reach.allows_port(port_of(parsed)) else None


def port_of(url: httpx.URL) -> int:
    """Return the port that a URL names, or that of its scheme."""
    return (443 if url.scheme == "https" else 80) if url.port is None else url.port
