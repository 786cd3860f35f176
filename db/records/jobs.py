"""Jobs as their owners and support read them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, Uuid, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from db.paging import Page, Window, fetch_page
from db.scope import Scope
from db.tables import attempts, job_requests, jobs, sessions
from statemachine.vocabulary import ErrorCode, Kind, OnFailure, State


@dataclass(frozen=True, slots=True)
class Job:
    """A job with its request. `seq` is that of its last event; `due_at` is None once it has ended."""

    id: UUID
    account_id: UUID
    is_test: bool
    session_id: UUID | None
    story_id: UUID | None
    parent_id: UUID | None
    kind: Kind
    priority: int
    state: State
    event: str
    reason: str | None
    seq: int
    percent: int
    attempt: int
    credits: int
    claimed_by: str | None
    lease_expires_at: datetime | None
    due_at: datetime | None
    cancel_requested_at: datetime | None
    error_code: ErrorCode | None
    error_message: str | None
    error_detail: str | None
    cost_micros: int
    output_id: UUID | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    input_id: UUID | None
    theme: str | None
    details: str | None
    style: str | None
    camera: str | None
    duration_s: int | None
    tier: str
    on_failure: OnFailure
    metadata: dict[str, Any] | None
    erased_at: datetime | None
    request_id: str | None
    batch_id: UUID | None

    @classmethod
    def from_row(cls, row: Any) -> Job:
        """Return the job of a row of `_SELECT`."""
        values = dict(row._mapping)
        values["kind"] = Kind(values["kind"])
        values["state"] = State(values["state"])
        values["on_failure"] = OnFailure(values["on_failure"])
        values["error_code"] = ErrorCode(values["error_code"]) if values["error_code"] else None
        return cls(**values)


# The fields of `Job` are the columns of the two tables by name.
_SELECT: Select[Any] = select(
    *((jobs if field.name in jobs.c else job_requests).c[field.name] for field in fields(Job))
).join(job_requests, job_requests.c.job_id == jobs.c.id)


class JobOrder(StrEnum):
    """The orders in which jobs are listed."""

    NEWEST = "newest"
    OLDEST = "oldest"
    RECENTLY_FINISHED = "recently_finished"


@dataclass(frozen=True, slots=True)
class JobFilter:
    """A filter of jobs; None and empty do not filter. Bounds in time are half-open: [after, before)."""

    ids: Collection[UUID] = ()
    kinds: Collection[str] = ()
    states: Collection[str] = ()
    error_codes: Collection[str] = ()
    themes: Collection[str] = ()
    user_ref: str | None = None
    session_id: UUID | None = None
    story_id: UUID | None = None
    batch_id: UUID | None = None
    metadata: dict[str, Any] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    finished_after: datetime | None = None
    finished_before: datetime | None = None
    prediction_id: str | None = None
    request_id: str | None = None
    models: Collection[str] = ()
    cost_micros_min: int | None = None
    cost_micros_max: int | None = None
    is_test: bool | None = None

    @property
    def is_about_the_provider(self) -> bool:
        """Return whether it says what the provider was asked and paid, which an end user does not see."""
        bounds = self.cost_micros_min, self.cost_micros_max
        return bool(self.models) or self.prediction_id is not None or bounds != (None, None)

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the SQL conditions of what was given."""
        j, r = jobs.c, job_requests.c
        among = ((j.id, self.ids), (j.kind, self.kinds), (j.state, self.states), (j.error_code, self.error_codes))
        found: list[ColumnElement[bool]] = [
            column.in_(values) for column, values in (*among, (r.theme, self.themes)) if values
        ]
        found += [j.session_id == self.session_id] if self.session_id else []
        found += [r.request_id == self.request_id] if self.request_id else []
        found += [j.story_id == self.story_id] if self.story_id else []
        found += [r.batch_id == self.batch_id] if self.batch_id else []
        found += [r.metadata.contains(self.metadata)] if self.metadata else []
        found += [j.created_at >= self.created_after] if self.created_after else []
        found += [j.created_at < self.created_before] if self.created_before else []
        found += [j.finished_at >= self.finished_after] if self.finished_after else []
        found += [j.finished_at < self.finished_before] if self.finished_before else []
        found += [j.cost_micros >= self.cost_micros_min] if self.cost_micros_min is not None else []
        found += [j.cost_micros <= self.cost_micros_max] if self.cost_micros_max is not None else []
        found += [j.is_test == self.is_test] if self.is_test is not None else []
        if self.models:
            by_model = attempts.c.model.in_(self.models), attempts.c.attempt == j.attempt
            found.append(select(attempts.c.job_id).where(attempts.c.job_id == j.id, *by_model).exists())
        if self.user_ref is not None:
            found.append(j.session_id.in_(select(sessions.c.id).where(sessions.c.user_ref == self.user_ref)))
        if self.prediction_id is not None:
            found.append(j.id.in_(select(attempts.c.job_id).where(attempts.c.prediction_id == self.prediction_id)))
        return found


def job_by_id(conn: Connection, scope: Scope, job_id: UUID) -> Job | None:
    """Return the job if the scope may see it."""
    return jobs_by_id(conn, scope, [job_id]).get(job_id)


def jobs_by_id(conn: Connection, scope: Scope, ids: Collection[UUID]) -> dict[UUID, Job]:
    """Return those of the jobs that the scope may see."""
    rows = conn.execute(_SELECT.where(jobs.c.id.in_(ids), scope.allows(jobs)))
    return {row.id: Job.from_row(row) for row in rows}


def makers_of(conn: Connection, scope: Scope, asset_ids: Collection[UUID]) -> dict[UUID, Job]:
    """Return the job that made each of the assets, where there is one that the scope may see."""
    rows = conn.execute(_SELECT.where(jobs.c.output_id.in_(asset_ids), scope.allows(jobs)))
    return {row.output_id: Job.from_row(row) for row in rows}


def jobs_of_stories(conn: Connection, scope: Scope, story_ids: Collection[UUID]) -> dict[UUID, list[Job]]:
    """Return the jobs of each story: the avatar, then each scene followed by its animations."""
    rows = conn.execute(_SELECT.where(jobs.c.story_id.in_(story_ids), scope.allows(jobs)).order_by(jobs.c.id))
    found: dict[UUID, list[Job]] = {story_id: [] for story_id in story_ids}
    for row in rows:
        found[row.story_id].append(Job.from_row(row))
    return found


def jobs_of_batches(conn: Connection, scope: Scope, batch_ids: Collection[UUID]) -> dict[UUID, list[Job]]:
    """Return the jobs of each batch in the order of the request; a batch is left out if the scope may see none."""
    query = _SELECT.where(job_requests.c.batch_id.in_(batch_ids), scope.allows(jobs)).order_by(jobs.c.id)
    found: dict[UUID, list[Job]] = {}
    for row in conn.execute(query):
        found.setdefault(row.batch_id, []).append(Job.from_row(row))
    return found


@dataclass(frozen=True, slots=True)
class Children:
    """A page of the jobs made from a parent: the `size` oldest that come after the job `after`."""

    parent_id: UUID
    size: int
    after: UUID | None = None


def children_of(conn: Connection, scope: Scope, wanted: Collection[Children]) -> dict[Children, list[Job]]:
    """Return the wanted jobs that the scope may see, oldest first: one statement for all of one size and place."""
    found: dict[Children, list[Job]] = {each: [] for each in wanted}
    for size, after in {(each.size, each.after) for each in wanted}:
        parents = [each.parent_id for each in wanted if (each.size, each.after) == (size, after)]
        for row in conn.execute(_oldest_children(scope, parents, size, after)):
            found[Children(row.parent_id, size, after)].append(Job.from_row(row))
    return found


def _oldest_children(scope: Scope, parents: list[UUID], size: int, after: UUID | None) -> Select[Any]:
    given = func.unnest(literal(parents, ARRAY(Uuid))).table_valued("parent_id").render_derived(name="given")
    query = _SELECT.where(jobs.c.parent_id == given.c.parent_id, scope.allows(jobs))
    if after is not None:
        query = query.where(jobs.c.id > after)
    few = query.order_by(jobs.c.id).limit(size).lateral("few")
    return select(few).select_from(given.join(few, true())).order_by(few.c.id)


def job_page(conn: Connection, scope: Scope, wanted: JobFilter, order: JobOrder, window: Window) -> Page[Job]:
    """Return one page of the jobs that the scope may see. Ids are in order of creation, so they are the key.

    The key of RECENTLY_FINISHED is (finished_at, id), and unfinished jobs are left out of it.
    """
    query = _SELECT.where(scope.allows(jobs), *wanted.conditions())
    if scope.account_id is not None:
        # The same again, where the index is.
        query = query.where(job_requests.c.account_id == scope.account_id)
    key: tuple[ColumnElement[Any], ...] = (job_requests.c.job_id,)
    if order is JobOrder.RECENTLY_FINISHED:
        query = query.where(jobs.c.finished_at.is_not(None))
        key = (jobs.c.finished_at, jobs.c.id)
    return fetch_page(conn, query, key, window, Job.from_row, descending=order is not JobOrder.OLDEST)


def count_jobs(conn: Connection, scope: Scope, wanted: JobFilter, *, at_most: int) -> int:
    """Count the jobs that the scope may see, and stop at `at_most`."""
    query = _SELECT.where(scope.allows(jobs), *wanted.conditions()).with_only_columns(jobs.c.id).limit(at_most)
    return conn.execute(select(func.count()).select_from(query.subquery())).scalar_one()


def lock_parent(conn: Connection, scope: Scope, job_id: UUID) -> Job | None:
    """Return a job that is about to become a parent, locked until the transaction ends.

    Its success queues the children that exist by then, so it must not succeed while one is being added.
    """
    row = conn.execute(
        _SELECT.where(jobs.c.id == job_id, scope.allows(jobs)).with_for_update(read=True, of=jobs)
    ).one_or_none()
    return None if row is None else Job.from_row(row)


def lock_sources(
    conn: Connection, scope: Scope, *, job_ids: Collection[UUID] = (), asset_ids: Collection[UUID] = ()
) -> None:
    """Lock jobs, and those that made the assets, so that they stay in their states until the transaction ends.

    Called before something is made of them, so that none is rolled back meanwhile: read the assets afterwards. And
    before a wallet is locked, because workers, too, lock jobs first, in the order of their ids, and wallets last.
    """
    named = jobs.c.id.in_(job_ids) | jobs.c.output_id.in_(asset_ids)
    conn.execute(select(jobs.c.id).where(named, scope.allows(jobs)).order_by(jobs.c.id).with_for_update(read=True))
