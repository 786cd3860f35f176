"""Redrives: jobs that support tries again, as many as a filter selects, at a rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, insert, null, select, text, update

from db.paging import Page, Window, fetch_page
from db.records.job_filters import filter_as_json, filter_of_json
from db.records.jobs import JobFilter
from db.statements import statement
from db.support_tables import redrive_skips, redrives
from statemachine.vocabulary import RedriveState


@dataclass(frozen=True, slots=True)
class Redrive:
    """A redrive of one account, or of all.

    `matched` jobs were selected at the request, counted up to a limit. Since then, `begun` of them have begun again and
    `skipped` could not; `at_most` limits both together. `revived` counts the relatives that began as well.
    """

    id: UUID
    account_id: UUID | None
    per_minute: int
    at_most: int | None
    reason: str | None
    actor: str
    state: RedriveState
    matched: int
    begun: int
    revived: int
    skipped: int
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def from_row(cls, row: Any) -> Redrive:
        """Return the redrive of a row with its columns."""
        values = {field.name: row._mapping[field.name] for field in fields(cls)}
        return cls(**{**values, "state": RedriveState(values["state"])})


@dataclass(frozen=True, slots=True)
class RunningRedrive:
    """A redrive that goes on, with its filter and its place. `allowed` jobs may begin now."""

    redrive: Redrive
    wanted: JobFilter
    is_urgent: bool
    after_job: UUID | None
    allowed: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A selected job that did not begin again: the code and the message of the reason."""

    job_id: UUID
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Describe what a step of a redrive did. `after_job` is the last job it looked at, None if there are no more."""

    begun: int
    revived: int
    skipped: Sequence[Skipped]
    after_job: UUID | None


_SELECT: Select[Any] = select(*(redrives.c[field.name] for field in fields(Redrive)))


def insert_redrive(conn: Connection, redrive_id: UUID, wanted: JobFilter, **values: Any) -> None:
    """Write a redrive that begins now."""
    conn.execute(insert(redrives).values(id=redrive_id, wanted=filter_as_json(wanted), **values))


def redrive_by_id(conn: Connection, redrive_id: UUID) -> Redrive | None:
    """Return the redrive, or None if there is none."""
    row = conn.execute(_SELECT.where(redrives.c.id == redrive_id)).one_or_none()
    return None if row is None else Redrive.from_row(row)


def redrive_page(conn: Connection, window: Window) -> Page[Redrive]:
    """Return one page of the redrives, newest first; the key is (id,)."""
    return fetch_page(conn, _SELECT, (redrives.c.id,), window, Redrive.from_row, descending=True)


def skipped_page(conn: Connection, redrive_id: UUID, window: Window) -> Page[Skipped]:
    """Return one page of the skipped jobs of a redrive, oldest jobs first; the key is (job_id,)."""
    s = redrive_skips.c
    query = select(s.job_id, s.code, s.message).where(s.redrive_id == redrive_id)
    return fetch_page(conn, query, (s.job_id,), window, lambda row: Skipped(**row._mapping), descending=False)


def skipped_counts(conn: Connection, redrive_id: UUID) -> Mapping[str, int]:
    """Return how many jobs of a redrive were skipped for each reason, the most frequent first."""
    s, number = redrive_skips.c, func.count().label("jobs")
    query = select(s.code, number).where(s.redrive_id == redrive_id).group_by(s.code).order_by(number.desc(), s.code)
    return {row.code: row.jobs for row in conn.execute(query)}


def lock_due_redrive(conn: Connection) -> RunningRedrive | None:
    """Return the running redrive whose next job may begin, and lock it; None if none is due."""
    row = conn.execute(statement("lock_due_redrive")).one_or_none()
    if row is None:
        return None
    return RunningRedrive(Redrive.from_row(row), filter_of_json(row.wanted), row.is_urgent, row.after_job, row.allowed)


def note_progress(conn: Connection, running: RunningRedrive, progress: Progress) -> None:
    """Write what a step of a locked redrive did, and when the next one may follow."""
    new = [{"redrive_id": running.redrive.id, **asdict(each)} for each in progress.skipped]
    if new:
        conn.execute(insert(redrive_skips), new)
    given = {"id": running.redrive.id, "begun": progress.begun, "revived": progress.revived, "skipped": len(new)}
    # The rate is for submissions, and an urgent job needs none.
    counted = 0 if running.is_urgent else progress.revived
    conn.execute(statement("note_redrive_progress"), {**given, "after_job": progress.after_job, "counted": counted})


def postpone_redrive(conn: Connection, redrive_id: UUID, wait: timedelta) -> None:
    """Let a redrive go on only after `wait`."""
    postponed = update(redrives).where(redrives.c.id == redrive_id)
    conn.execute(postponed.values(next_at=func.diorama_now() + wait))


def end_redrive(conn: Connection, redrive_id: UUID, state: RedriveState) -> bool:
    """End a running redrive; return False if it had ended already."""
    r = redrives.c
    ended = update(redrives).where(r.id == redrive_id, r.state == RedriveState.RUNNING)
    values = {"state": state, "wanted": null(), "ended_at": text("diorama_now()")}
    return conn.execute(ended.values(values)).rowcount == 1
