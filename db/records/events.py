"""The history of jobs, as it is read: pages of it, and what is new since a sequence number."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Uuid, func, literal, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from db.paging import Page, Window, fetch_page
from db.statements import statement
from db.tables import job_events
from statemachine.vocabulary import ErrorCode, Event, State


class UnreadableEvent(ValueError):
    """A row of the history has a word that this program does not know: a newer program wrote it."""

    def __init__(self, job_id: UUID, seq: int, why: ValueError) -> None:
        super().__init__(f"event {seq} of job {job_id}: {why}")
        self.job_id = job_id


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One row of the history. `seq` counts 1, 2, 3 … a job; `from_state` is None at its birth.

    `duration_ms` is the time spent in `from_state`; `due_at` is when the job was to be looked at next.
    """

    job_id: UUID
    seq: int
    at: datetime
    from_state: State | None
    event: Event
    to_state: State
    percent: int
    actor: str
    reason: str | None
    attempt: int
    lease: int
    duration_ms: int
    cost_micros: int
    due_at: datetime | None
    error_code: ErrorCode | None
    error_message: str | None
    error_detail: str | None

    @classmethod
    def from_row(cls, row: Any) -> JobEvent:
        """Return the event of a row of the table; raise UnreadableEvent where a newer program wrote it.

        Columns that a newer program has added are passed over.
        """
        fields = {name: row._mapping[name] for name in cls.__dataclass_fields__}
        try:
            fields["from_state"] = None if fields["from_state"] == "new" else State(fields["from_state"])
            fields["event"] = Event(fields["event"])
            fields["to_state"] = State(fields["to_state"])
            fields["error_code"] = ErrorCode(fields["error_code"]) if fields["error_code"] else None
        except ValueError as error:
            raise UnreadableEvent(fields["job_id"], fields["seq"], error) from None
        return cls(**fields)


def event_page(conn: Connection, job_id: UUID, window: Window) -> Page[JobEvent]:
    """Return one page of a job's history, oldest first; the key is (seq,). The caller checked who may see it."""
    query = select(job_events).where(job_events.c.job_id == job_id)
    return fetch_page(conn, query, (job_events.c.seq,), window, JobEvent.from_row, descending=False)


def event_pages(conn: Connection, wanted: Sequence[tuple[UUID, Window]]) -> list[Page[JobEvent]]:
    """Return a page of each job's history, in the requested order: one statement for all first pages of one size."""
    pages: dict[tuple[UUID, Window], Page[JobEvent]] = {}
    for size in {window.size for _, window in wanted}:
        first = Window(size)
        pages |= {(job_id, first): page for job_id, page in _first_pages(conn, wanted, first).items()}
    return [pages.get((job_id, window)) or event_page(conn, job_id, window) for job_id, window in wanted]


def _first_pages(conn: Connection, wanted: Sequence[tuple[UUID, Window]], first: Window) -> dict[UUID, Page[JobEvent]]:
    ids = [job_id for job_id, window in wanted if window == first]
    given = func.unnest(literal(ids, ARRAY(Uuid))).table_valued("job_id").render_derived(name="given")
    few = (
        select(job_events)
        .where(job_events.c.job_id == given.c.job_id)
        .order_by(job_events.c.seq)
        .limit(first.size + 1)
        .lateral("few")
    )
    found: dict[UUID, list[JobEvent]] = {job_id: [] for job_id in ids}
    for row in conn.execute(select(few).select_from(given.join(few, true()))) if ids else ():
        found[row.job_id].append(JobEvent.from_row(row))
    return {
        job_id: Page(events[: first.size], has_next=len(events) > first.size, has_previous=False)
        for job_id, events in (
            (job_id, sorted(events, key=lambda event: event.seq)) for job_id, events in found.items()
        )
    }


def events_at(conn: Connection, places: Mapping[UUID, int]) -> list[JobEvent]:
    """Return the event of each job at its sequence number."""
    keys = tuple_(job_events.c.job_id, job_events.c.seq)
    return [JobEvent.from_row(row) for row in conn.execute(select(job_events).where(keys.in_(list(places.items()))))]


def events_of_keys(conn: Connection, keys: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], JobEvent]:
    """Return the events with these jobs and sequence numbers; those that were purged are left out."""
    rows = conn.execute(select(job_events).where(tuple_(job_events.c.job_id, job_events.c.seq).in_(list(keys))))
    return {(row.job_id, row.seq): JobEvent.from_row(row) for row in rows}


def events_since(conn: Connection, seen: Mapping[UUID, int], *, limit: int = 1000) -> list[JobEvent]:
    """Return what happened to each job after the sequence number seen of it, in order a job.

    One statement for any number of jobs; at most `limit` rows, so call again where that many came.
    """
    rows = conn.execute(statement("events_since"), {"ids": list(seen), "seqs": list(seen.values()), "limit": limit})
    return [JobEvent.from_row(row) for row in rows]
