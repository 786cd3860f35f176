"""Writes of requests: stories, jobs with their requests, and idempotency keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Interval, bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from db.paging import Page, Window, fetch_page
from db.tables import idempotency_keys, job_requests, jobs, stories
from statemachine.backoff import head_start
from statemachine.vocabulary import Actor, Event, Kind, OnFailure, State


@dataclass(frozen=True, slots=True)
class JobRequest:
    """The request of one job. `input_id` is the selfie of an avatar; the others work on their parent's output.

    `credits` is what it costs once it has succeeded; they are held by `db.ledger.hold_credits`.
    """

    kind: Kind
    tier: str
    priority: int
    on_failure: OnFailure
    input_id: UUID | None = None
    theme: str | None = None
    details: str | None = None
    style: str | None = None
    camera: str | None = None
    duration_s: int | None = None
    metadata: dict[str, Any] | None = None
    credits: int = 0


_OF_THE_JOB = ("kind", "priority", "credits")
# The columns of the request's own row: a field without its column is a KeyError here, rather than never stored.
_REQUESTED = tuple(job_requests.c[field.name].name for field in fields(JobRequest) if field.name not in _OF_THE_JOB)


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of the new rows, and the HTTP request or socket operation that adds them, where there is one."""

    account_id: UUID
    session_id: UUID | None
    request_id: str | None = None
    is_test: bool = False


def insert_story(conn: Connection, owner: Owner, story_id: UUID, selfie_id: UUID) -> None:
    """Add a story."""
    insert_stories(conn, owner, {story_id: selfie_id})


def insert_stories(conn: Connection, owner: Owner, selfies: Mapping[UUID, UUID]) -> None:
    """Add stories, given with the ids of their selfies, in one statement."""
    rows = [
        {"id": story_id, "account_id": owner.account_id, "session_id": owner.session_id, "selfie_id": selfie_id}
        for story_id, selfie_id in selfies.items()
    ]
    if rows:
        conn.execute(insert(stories), rows)


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be added: queued, or waiting for its parent where it `waits`."""

    id: UUID
    request: JobRequest
    story_id: UUID | None = None
    parent_id: UUID | None = None
    batch_id: UUID | None = None
    waits: bool = False


def insert_job(
    conn: Connection,
    owner: Owner,
    job_id: UUID,
    request: JobRequest,
    *,
    deadline: timedelta,
    story_id: UUID | None = None,
    parent_id: UUID | None = None,
    waits: bool = False,
) -> None:
    """Add one job as `insert_jobs` does."""
    insert_jobs(conn, owner, [NewJob(job_id, request, story_id, parent_id, waits=waits)], deadline=deadline)


def insert_jobs(conn: Connection, owner: Owner, new: Sequence[NewJob], *, deadline: timedelta) -> None:
    """Add jobs with their requests, in one statement for all of each.

    A queued job is due earlier the higher its priority; a waiting one only when its deadline has passed.
    """
    conn.execute(_INSERT_JOBS, [_job_row(owner, job, deadline) for job in new])
    conn.execute(insert(job_requests), [_request_row(owner, job) for job in new])


_INSERT_JOBS = insert(jobs).values(
    event=Event.REQUESTED,
    actor=Actor.API,
    due_at=func.diorama_now() + bindparam("due_in", type_=Interval),
    deadline_at=func.diorama_now() + bindparam("ends_in", type_=Interval),
)


def _job_row(owner: Owner, job: NewJob, deadline: timedelta) -> dict[str, Any]:
    return {
        "id": job.id,
        "account_id": owner.account_id,
        "is_test": owner.is_test,
        "session_id": owner.session_id,
        "story_id": job.story_id,
        "parent_id": job.parent_id,
        "kind": job.request.kind,
        "priority": job.request.priority,
        "credits": job.request.credits,
        "state": State.WAITING if job.waits else State.QUEUED,
        "due_in": deadline if job.waits else -head_start(job.request.priority),
        "ends_in": deadline,
    }


def _request_row(owner: Owner, job: NewJob) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "batch_id": job.batch_id,
        "request_id": owner.request_id,
        **{name: getattr(job.request, name) for name in _REQUESTED},
    }


@dataclass(frozen=True, slots=True)
class KeyUse:
    """An earlier use of an idempotency key: the digest of its input, and what it made."""

    input_sha256: bytes
    resource_id: UUID


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's key for one operation."""

    account_id: UUID
    user_ref: str
    operation: str
    key: str


def claim_key(conn: Connection, key: IdempotencyKey, input_sha256: bytes, resource_id: UUID) -> KeyUse | None:
    """Bind the key to what this transaction makes, or return its earlier use.

    Waits for a concurrent transaction that is using the same key, so exactly one of them makes something.
    """
    fresh = conn.scalar(
        upsert(idempotency_keys)
        .values(
            account_id=key.account_id,
            user_ref=key.user_ref,
            operation=key.operation,
            key=key.key,
            input_sha256=input_sha256,
            resource_id=resource_id,
        )
        .on_conflict_do_nothing()
        .returning(idempotency_keys.c.resource_id)
    )
    return _earlier_use(conn, key) if fresh is None else None


def _earlier_use(conn: Connection, key: IdempotencyKey) -> KeyUse:
    columns = idempotency_keys.c
    row = conn.execute(
        select(columns.input_sha256, columns.resource_id).where(
            columns.account_id == key.account_id,
            columns.user_ref == key.user_ref,
            columns.operation == key.operation,
            columns.key == key.key,
        )
    ).one()
    return KeyUse(bytes(row.input_sha256), row.resource_id)


@dataclass(frozen=True, slots=True)
class KeptKey:
    """An idempotency key as it is kept."""

    operation: str
    key: str
    created_at: datetime


def key_page(conn: Connection, account_id: UUID, user_ref: str, window: Window) -> Page[KeptKey]:
    """Return one page of the idempotency keys of a user, in their order; the key of the page is (operation, key)."""
    k = idempotency_keys.c
    query = select(k.operation, k.key, k.created_at).where(k.account_id == account_id, k.user_ref == user_ref)
    return fetch_page(conn, query, (k.operation, k.key), window, lambda row: KeptKey(*row), descending=False)
