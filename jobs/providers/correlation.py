"""What a prediction can be recognized by: the tokens and the addresses within what was sent, which it tells back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
# Longer texts are pictures inside a request, as others may send them; nothing of ours is in them.
_TEXT_MAX = 4096


def tokens_in(value: object) -> frozenset[UUID]:
    """Return every token within the texts of a value as JSON has them."""
    return frozenset(UUID(found) for text in _texts(value) for found in _UUID.findall(text))


def carries(value: object, token: UUID) -> bool:
    """Return whether a token is within the texts of such a value, as we write it."""
    written = str(token)
    return any(written in text for text in _texts(value))


def addresses_in(value: object) -> frozenset[str]:
    """Return the texts of such a value that are addresses."""
    return frozenset(text for text in _texts(value) if text.startswith(("https://", "http://")))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) <= _TEXT_MAX:
            yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
