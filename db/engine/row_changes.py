"""What goes with a move: rows of attempts and assets, written in the transaction of the move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from db.statements import as_json, statement
from statemachine.vocabulary import State


@dataclass(frozen=True, slots=True)
class AttemptBegun:
    """A paid submission is about to be made: its token, the price set aside, and the experiment it takes part in.

    `picture_url` is the address of the picture that was uploaded for it alone, None where there is none; `is_traceable`
    says whether what is sent carries the token or that address.
    """

    job_id: UUID
    attempt: int
    token: UUID
    model: str
    prompt_version: str
    reserved_micros: int
    picture_url: str | None = None
    is_traceable: bool = False
    experiment: str | None = None
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptChanged:
    """What became known of a submission. None leaves a column as it is.

    `listed_at` is when the provider created the prediction, `took_s` how long that took, both by its own clock.
    """

    job_id: UUID
    attempt: int
    status: str
    prediction_id: str | None = None
    output_urls: tuple[str, ...] | None = None
    cost_micros: int | None = None
    source_key: str | None = None
    source_type: str | None = None
    source_bytes: int | None = None
    source_sha256: str | None = None
    error_detail: str | None = None
    listed_at: datetime | None = None
    took_s: float | None = None


@dataclass(frozen=True, slots=True)
class AssetMade:
    """A finished file in our storage, sizes in pixels and bytes. The poster of a video comes before the video."""

    id: UUID
    account_id: UUID
    session_id: UUID | None
    kind: str
    object_key: str
    content_type: str
    width_px: int
    height_px: int
    duration_s: float | None
    frames_per_second: float | None
    size_bytes: int
    sha256: str
    poster_id: UUID | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ActionTried:
    """What came of undoing something: the action is done, pending still, or held for review because of `last_error`."""

    job_id: UUID
    cycle: int
    action: str
    state: str
    result: str | None = None
    last_error: str | None = None


Effect = AttemptBegun | AttemptChanged | AssetMade | ActionTried


def apply_effects(conn: Connection, effects: Sequence[Effect]) -> set[State]:
    """Write the rows of all effects, a statement a kind; return the states of jobs that have become due by them."""
    due: set[State] = set()
    for kind, name in (
        (AttemptBegun, "begin_attempts"),
        (AttemptChanged, "change_attempts"),
        (AssetMade, "insert_assets"),
        (ActionTried, "change_actions"),
    ):
        rows = [effect for effect in effects if isinstance(effect, kind)]
        if rows:
            found = conn.execute(statement(name), {"rows": as_json(rows)})
            due |= {State(row.state) for row in found} if kind is AttemptChanged else set()
    return due
