"""Ids as callers and the log show them: a prefix that names the kind, then the UUID in 26 characters of base 32.

They are opaque: callers keep and return them and read nothing out of them. Sorted as text they are in order of
creation, because the alphabet (Crockford's) is in the order of its characters.
"""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_LENGTH = 26


class IdKind(StrEnum):
    """The kinds of ids; the value is the prefix."""

    ACCOUNT = "account"
    GRANT = "grant"
    JOB = "job"
    STORY = "story"
    BATCH = "batch"
    ASSET = "asset"
    SESSION = "session"
    DELETION = "deletion"
    API_KEY = "key"
    WEBHOOK_ENDPOINT = "endpoint"
    WEBHOOK_DELIVERY = "delivery"
    REDRIVE = "redrive"


_PREFIXES = frozenset(kind.value for kind in IdKind)


def encode_id(kind: IdKind, value: UUID) -> str:
    """Return the id that callers see."""
    number = value.int
    return f"{kind}_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def parse_id(text: str) -> tuple[IdKind, UUID] | None:
    """Return the kind and the UUID of an id, or None for anything that `encode_id` does not make."""
    prefix, _, rest = text.partition("_")
    if prefix not in _PREFIXES or len(rest) != _LENGTH or rest[0] > "7" or not _VALUES.keys() >= set(rest):
        return None
    number = 0
    for character in rest:
        number = number << 5 | _VALUES[character]
    return IdKind(prefix), UUID(int=number)
