"""Row changes: the rows of attempts, assets and actions that are written in the transaction of a move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from db.records.renditions import Rendition
from db.statements import as_json, execute
from statemachine.vocabulary import State


@dataclass(frozen=True, slots=True)
class AttemptBegun:
    """A paid submission that is about to be made: its token, its reserved price and its experiment.

    `picture_url` is the address of the picture that was uploaded for it alone, if any; `is_traceable` says whether the
    request carries the token or that address.
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
    """New facts about a submission. None leaves a column as it is.

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
    """A finished file in our storage. The poster of a video comes before the video."""

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
    """The result of a compensating action: done, still pending, or in need of review because of `last_error`."""

    job_id: UUID
    cycle: int
    action: str
    state: str
    result: str | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class AssetLost:
    """A file whose object is no longer in the store. A file that has another object by now stays as it is."""

    id: UUID
    object_key: str


RowChange = AttemptBegun | AttemptChanged | AssetMade | Rendition | AssetLost | ActionTried


def write_row_changes(conn: Connection, row_changes: Sequence[RowChange]) -> set[State]:
    """Write all row changes, one statement per kind; return the states of jobs that became due because of them."""
    due: set[State] = set()
    for kind, name in (
        (AttemptBegun, "begin_attempts"),
        (AttemptChanged, "change_attempts"),
        (AssetMade, "insert_assets"),
        (Rendition, "insert_renditions"),
        (AssetLost, "lose_assets"),
        (ActionTried, "change_actions"),
    ):
        rows = [change for change in row_changes if isinstance(change, kind)]
        if rows:
            found = execute(conn, name, given={"rows": as_json(rows)})
            due |= {State(row.state) for row in found} if kind is AttemptChanged else set()
    return due
