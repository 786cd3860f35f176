"""Reads of the jobs in a test's database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from statemachine.vocabulary import State
from tests.support.eventually import eventually


class JobReads:
    """The reads that tests need. Every harness with an engine inherits them."""

    engine: Engine

    def scalar(self, query: str, **given: Any) -> Any:
        """Return the first column of the first row that a query finds."""
        with self.engine.connect() as conn:
            return conn.scalar(text(query), given)

    def scalars(self, query: str, **given: Any) -> list[Any]:
        """Return the first column of every row that a query finds."""
        with self.engine.connect() as conn:
            return list(conn.scalars(text(query), given))

    def rows(self, query: str, **given: Any) -> list[Any]:
        """Return the rows that a query finds."""
        with self.engine.connect() as conn:
            return list(conn.execute(text(query), given).all())

    def row(self, job_id: UUID) -> Any:
        """Return a job's row."""
        (found,) = self.rows("SELECT * FROM jobs WHERE id = :id", id=job_id)
        return found

    def state(self, job_id: UUID) -> State:
        """Return the state of a job."""
        return State(self.row(job_id).state)

    def history(self, job_id: UUID) -> list[Any]:
        """Return the rows of a job's history, first to last."""
        return self.rows("SELECT * FROM job_events WHERE job_id = :id ORDER BY seq", id=job_id)

    def events(self, job_id: UUID) -> list[str]:
        """Return the names of a job's events, first to last."""
        return [row.event for row in self.history(job_id)]

    def progress(self, job_id: UUID) -> list[str]:
        """Return a job's events without the postponements, which a slow store or provider adds on a busy machine."""
        return [event for event in self.events(job_id) if event != "postponed"]

    def attempts(self, job_id: UUID) -> list[Any]:
        """Return the rows of a job's paid calls, first to last."""
        return self.rows("SELECT * FROM attempts WHERE job_id = :id ORDER BY attempt", id=job_id)

    def wait_for(self, job_id: UUID, *states: str, claimed: bool = False, within_s: float = 30.0) -> Any:
        """Wait until a job is in one of these states, by default `succeeded`, and return its row.

        With `claimed`, wait until a worker has also claimed it there, or the job has ended.
        """
        wanted = states or (State.SUCCEEDED,)

        def look() -> Any:
            row = self.row(job_id)
            is_so = row.state in wanted and (not claimed or row.claimed_by)
            return row if is_so or (claimed and row.finished_at) else None

        return eventually(look, within_s=within_s, every_s=0.005)

    def wait_until_ended(self, job_ids: list[UUID], within_s: float) -> None:
        """Wait until all of these jobs have ended."""
        query = "SELECT count(*) FROM jobs WHERE id = ANY(:ids) AND finished_at IS NULL"
        eventually(lambda: self.scalar(query, ids=job_ids) == 0, within_s=within_s, every_s=0.1)
