"""Correlation ids of a prediction: tokens and URLs in its inputs, which the provider returns with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
# Longer strings are inline pictures, as others may send them; they contain no token of ours.
_TEXT_MAX = 4096


def tokens_in(value: object) -> frozenset[UUID]:
    """Return every token within the strings of a JSON value."""
    return frozenset(UUID(found) for text in _texts(value) for found in _UUID.findall(text))


def carries(value: object, token: UUID) -> bool:
    """Return True if a token, as we write it, is within the strings of a JSON value."""
    written = str(token)
    return any(written in text for text in _texts(value))


def addresses_in(value: object) -> frozenset[str]:
    """Return the strings of a JSON value that are URLs."""
    return frozenset(text for text in _texts(value) if text.startswith(("https://", "http://")))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) <= _TEXT_MAX:
            yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
