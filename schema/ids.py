"""Ids as callers see them: a prefix that names the kind, then the UUID in 26 characters of base 32.

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
    """What an id may be of; the value is its prefix."""

    JOB = "job"
    STORY = "story"
    ASSET = "asset"
    SESSION = "session"


_PREFIXES = frozenset(kind.value for kind in IdKind)


class MalformedId(ValueError):
    """The text is no id, or one of another kind. The message says what is expected."""


def encode_id(kind: IdKind, value: UUID) -> str:
    """Return the id that callers see."""
    number = value.int
    return f"{kind}_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def decode_any(text: str) -> tuple[IdKind, UUID]:
    """Return the kind and the UUID of an id; raise MalformedId for anything that `encode_id` does not make."""
    prefix, _, rest = text.partition("_")
    if prefix not in _PREFIXES or len(rest) != _LENGTH or rest[0] > "7" or not _VALUES.keys() >= set(rest):
        raise MalformedId("This is not an id of this API: pass on ids exactly as you got them.")
    number = 0
    for character in rest:
        number = number << 5 | _VALUES[character]
    return IdKind(prefix), UUID(int=number)


def decode_id(text: str, kind: IdKind) -> UUID:
    """Return the UUID of an id of this kind; raise MalformedId for anything else."""
    try:
        found, value = decode_any(text)
    except MalformedId:
        raise MalformedId(_expected(kind)) from None
    if found is not kind:
        raise MalformedId(_expected(kind))
    return value


def _expected(kind: IdKind) -> str:
    return (
        f"This is not the id of {_WITH_ARTICLE[kind]}: such an id starts with `{kind}_` and is passed on as you got it."
    )


_WITH_ARTICLE = {
    IdKind.JOB: "a job",
    IdKind.STORY: "a story",
    IdKind.ASSET: "an asset",
    IdKind.SESSION: "a session",
}
