"""Reading the families of jobs that may begin another cycle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from db.engine.locking import standing_of
from db.records.ledger import WalletKey
from db.statements import statement
from statemachine.decisions import Standing
from statemachine.vocabulary import ErrorCode, Kind, State


@dataclass(frozen=True, slots=True)
class Relative:
    """A job that may be redriven, one of its ancestors, or (`is_below`) a job that failed because of it.

    `has_source` says whether our copy of its last output is kept, `has_input` whether its input is. `output_age` is the
    age of that output at the provider, None if there is no output.
    """

    id: UUID
    kind: Kind
    parent_id: UUID | None
    standing: Standing
    credits: int
    wallet: WalletKey
    is_below: bool
    has_source: bool
    output_age: timedelta | None
    error: ErrorCode | None
    has_input: bool

    @property
    def state(self) -> State:
        """Return the state of the job."""
        return self.standing.state


def read_family(conn: Connection, job_id: UUID) -> dict[UUID, Relative]:
    """Return a job with its relatives, which `lock_families` has locked; empty if there is no such job."""
    return {
        row.id: Relative(
            id=row.id,
            kind=Kind(row.kind),
            parent_id=row.parent_id,
            standing=standing_of(row),
            credits=row.credits,
            wallet=WalletKey(row.account_id, row.user_ref),
            is_below=row.is_below,
            has_source=row.has_source,
            output_age=row.output_age,
            error=ErrorCode(row.error_code) if row.error_code else None,
            has_input=row.has_input,
        )
        for row in conn.execute(statement("family"), {"job": job_id})
    }
