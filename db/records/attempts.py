"""Paid submissions, as support and owners read them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from db.tables import attempts


@dataclass(frozen=True, slots=True)
class Attempt:
    """One submission to the provider. Costs in micro-US-dollars; `status` is that of the table's check."""

    job_id: UUID
    attempt: int
    model: str
    prompt_version: str
    experiment: str | None
    variant: str | None
    status: str
    reserved_micros: int
    cost_micros: int
    prediction_id: str | None
    started_at: datetime
    accepted_at: datetime | None
    completed_at: datetime | None
    error_detail: str | None

    @classmethod
    def from_row(cls, row: Any) -> Attempt:
        """Return the attempt of a row of `attempts_of`."""
        return cls(**row._mapping)


def attempts_of(conn: Connection, job_ids: Collection[UUID]) -> dict[UUID, list[Attempt]]:
    """Return each job's submissions, first to last. The caller has checked who may see the jobs."""
    rows = conn.execute(
        select(*(attempts.c[field.name] for field in fields(Attempt)))
        .where(attempts.c.job_id.in_(job_ids))
        .order_by(attempts.c.attempt)
    )
    found: dict[UUID, list[Attempt]] = {job_id: [] for job_id in job_ids}
    for row in rows:
        found[row.job_id].append(Attempt.from_row(row))
    return found


def unmade_attempts(conn: Connection, job_id: UUID) -> list[tuple[str, str]]:
    """Return the model and the error detail of a job's submissions that were refused or failed, first to last."""
    a = attempts.c
    is_explained = a.status.in_(("refused", "failed")) & a.error_detail.is_not(None)
    found = select(a.model, a.error_detail).where(a.job_id == job_id, is_explained).order_by(a.attempt)
    return [(row.model, row.error_detail) for row in conn.execute(found)]
