"""Jobs as a table: one row a job, the newest first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from functools import partial

import orjson
from sqlalchemy import Connection

from db.paging import Page, Window
from db.records.accounts import SessionRecord, sessions_in_scope
from db.records.jobs import Job, JobFilter, JobOrder, job_page
from db.records.ledger import JobCredits, credits_of_jobs
from db.scope import Scope
from jobs.identity import Principal
from schema.context import Parts
from schema.exports.pages import pages
from schema.exports.values import optional_id, optional_time
from schema.ids import IdKind, encode_id
from schema.types.job import error_shown


@dataclass(frozen=True, slots=True)
class Row:
    """A job with what its row needs of other tables."""

    job: Job
    session: SessionRecord | None
    credits: JobCredits
    reader: Principal

    @property
    def error(self) -> tuple[str, str]:
        """Return the code and the message of the error that its owner sees, empty for none."""
        shown = error_shown(self.job, support=False)
        return ("", "") if shown is None else (shown.code.name, shown.message)


_COLUMNS: dict[str, Callable[[Row], object]] = {
    "id": lambda row: encode_id(IdKind.JOB, row.job.id),
    "kind": lambda row: row.job.kind.name,
    "state": lambda row: row.job.state.name,
    "user_ref": lambda row: row.session and row.session.user_ref,
    "session_id": lambda row: optional_id(IdKind.SESSION, row.job.session_id),
    "story_id": lambda row: optional_id(IdKind.STORY, row.job.story_id),
    "batch_id": lambda row: optional_id(IdKind.BATCH, row.job.batch_id),
    "parent_id": lambda row: optional_id(IdKind.JOB, row.job.parent_id),
    "output_id": lambda row: optional_id(IdKind.ASSET, row.job.output_id),
    "theme": lambda row: row.job.theme,
    "details": lambda row: row.job.details,
    "duration_seconds": lambda row: row.job.duration_s,
    "tier": lambda row: row.job.tier.upper(),
    "priority": lambda row: row.job.priority,
    "metadata": lambda row: row.job.metadata and orjson.dumps(row.job.metadata).decode(),
    "request_id": lambda row: row.job.request_id,
    "attempts": lambda row: row.job.attempt,
    "error_code": lambda row: row.error[0],
    "error_message": lambda row: row.error[1],
    "credits_price": lambda row: row.job.credits,
    "credits_held": lambda row: row.credits.held,
    "credits_charged": lambda row: row.credits.charged,
    "credits_refunded": lambda row: row.credits.refunded,
    "provider_cost_micros": lambda row: row.job.cost_micros if row.reader.sees_provider else None,
    "created_at": lambda row: optional_time(row.job.created_at),
    "started_at": lambda row: optional_time(row.job.started_at),
    "finished_at": lambda row: optional_time(row.job.finished_at),
    "is_test": lambda row: "true" if row.job.is_test else "false",
}
COLUMNS = tuple(_COLUMNS)


async def job_rows(parts: Parts, reader: Principal, scope: Scope, wanted: JobFilter) -> AsyncIterator[Iterable[object]]:
    """Yield the names of the columns, then the jobs that the scope may see, without those that come meanwhile."""
    yield COLUMNS
    read = partial(_newest, scope, wanted)
    async for found in pages(parts.database, read, lambda job: (job.id,)):
        for row in await parts.database.read(_rows, scope, reader, found):
            yield [cell(row) for cell in _COLUMNS.values()]


def _newest(scope: Scope, wanted: JobFilter, conn: Connection, window: Window) -> Page[Job]:
    return job_page(conn, scope, wanted, JobOrder.NEWEST, window)


def _rows(conn: Connection, scope: Scope, reader: Principal, found: list[Job]) -> list[Row]:
    credits = credits_of_jobs(conn, [job.id for job in found])
    sessions = sessions_in_scope(conn, scope, {job.session_id for job in found if job.session_id})
    nothing = JobCredits()
    return [
        Row(job, sessions.get(job.session_id) if job.session_id else None, credits.get(job.id, nothing), reader)
        for job in found
    ]
