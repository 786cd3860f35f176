"""Ids in requests: decoding them, with messages for callers. Their format is that of `db.public_ids`."""

from __future__ import annotations

from uuid import UUID

from db.public_ids import IdKind, encode_id, parse_id

__all__ = ["IdKind", "MalformedId", "bare_uuid", "decode_any", "decode_id", "encode_id"]


class MalformedId(ValueError):
    """The text is not an id, or is the id of another kind. The message names the expected kind."""


def decode_any(text: str) -> tuple[IdKind, UUID]:
    """Return the kind and the UUID of an id; raise MalformedId for anything that `encode_id` does not make."""
    found = parse_id(text)
    if found is None:
        raise MalformedId("This is not an id of this API: pass on ids exactly as you got them.")
    return found


def decode_id(text: str, kind: IdKind) -> UUID:
    """Return the UUID of an id of this kind; raise MalformedId for anything else."""
    found = parse_id(text)
    if found is None or found[0] is not kind:
        raise MalformedId(_expected(kind))
    return found[1]


def bare_uuid(text: str) -> UUID | None:
    """Return the UUID that a text is, as databases and object stores show them, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _expected(kind: IdKind) -> str:
    return (
        f"This is not the id of {_WITH_ARTICLE[kind]}: such an id starts with `{kind}_` and is passed on as you got it."
    )


_WITH_ARTICLE = {
    IdKind.GRANT: "a grant",
    IdKind.ACCOUNT: "an account",
    IdKind.JOB: "a job",
    IdKind.STORY: "a story",
    IdKind.BATCH: "a batch",
    IdKind.ASSET: "an asset",
    IdKind.SESSION: "a session",
    IdKind.DELETION: "a deletion",
    IdKind.API_KEY: "an API key",
    IdKind.WEBHOOK_ENDPOINT: "a webhook endpoint",
    IdKind.WEBHOOK_DELIVERY: "a webhook delivery",
    IdKind.REDRIVE: "a redrive",
}
