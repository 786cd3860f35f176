"""Ids in the inputs of mutations: a malformed one is a user error."""

from __future__ import annotations

from uuid import UUID

from jobs.errors import Invalid
from schema.ids import IdKind, MalformedId, decode_any, decode_id


def input_id(text: str, kind: IdKind, argument: str) -> UUID:
    """Return the UUID of an id in a mutation's input; raise Invalid where it is none of this kind."""
    try:
        return decode_id(text, kind)
    except MalformedId as error:
        raise Invalid(str(error), "input", argument) from None


def input_source(text: str, argument: str) -> tuple[UUID | None, UUID | None]:
    """Return the asset's or the job's id that an input names, the other one None; raise Invalid for anything else."""
    try:
        kind, value = decode_any(text)
    except MalformedId as error:
        raise Invalid(str(error), "input", argument) from None
    if kind not in (IdKind.ASSET, IdKind.JOB):
        raise Invalid(f"{argument} takes the id of an asset or of the job that makes it.", "input", argument)
    return (value, None) if kind is IdKind.ASSET else (None, value)
