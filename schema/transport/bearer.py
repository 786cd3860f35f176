"""Keys and tokens in request headers."""

from __future__ import annotations


def bearer(header: object) -> str | None:
    """Return the key or token of an `Authorization` header's value, or None where there is none."""
    scheme, _, secret = header.partition(" ") if isinstance(header, str) else ("", "", "")
    return secret.strip() or None if scheme.lower() == "bearer" else None
