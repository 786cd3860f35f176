"""Locking jobs: the one order in which every transaction takes its locks.

1. Jobs, in ascending order of their ids. Ids grow with time, so parents come before children. A transaction that locks
   several jobs does so in one ordered statement; one that goes on from a job to those that wait for it locks only
   younger jobs. Claims skip locked jobs.
2. The rows of a job: its attempts, its compensating actions, its assets. Only a transaction that has locked the job
   writes them, so an attempt or an action is never locked before its job.
3. Wallets, ordered by account and user, and the ledger. They are the busiest rows, so only what counts for an account
   as a whole comes after them: its unfinished jobs (`account_usage`), then its cap of a day (`credit_limits`).

After a lock of a later rank, a transaction takes none of an earlier rank. Each locking statement returns the rows that
it locked as they are now. Read anything else that depends on the lock in a later statement: a statement that waited for
a lock sees all other rows as they were before the wait.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from db.records.ledger import WalletKey
from db.statements import execute, statement
from statemachine.decisions import Standing
from statemachine.relatives import Waiting
from statemachine.vocabulary import State


def standing_of(row: Any) -> Standing:
    """Return the facts of the job in a row."""
    return Standing(State(row.state), row.priority, row.failures, row.cancel_requested)


def lock_jobs(conn: Connection, job_ids: Iterable[UUID]) -> dict[UUID, Standing]:
    """Lock jobs until the transaction ends and return their facts; a job that does not exist is left out."""
    return {row.id: standing_of(row) for row in conn.execute(statement("lock_jobs"), {"jobs": list(job_ids)})}


def lock_job(conn: Connection, job_id: UUID) -> Standing | None:
    """Lock a job until the transaction ends and return its facts, or None if there is no such job."""
    return lock_jobs(conn, [job_id]).get(job_id)


def lock_ending(conn: Connection, job_ids: Collection[UUID], ended: Collection[UUID]) -> set[UUID]:
    """Lock a group of jobs and the parents that the `ended` ones may roll back; return those parents."""
    given = {"jobs": list(job_ids), "ended": list(ended)}
    return set(conn.scalars(statement("lock_ending"), given))


def lock_waiting(conn: Connection, *, ready: Collection[UUID], failed: Collection[UUID]) -> list[Waiting]:
    """Lock the jobs that wait for these parents, below a failed one also indirectly; return them parents first."""
    rows = execute(conn, "waiting_below", given={"ready": list(ready), "failed": list(failed)})
    return [Waiting(row.id, row.parent_id, standing_of(row)) for row in rows]


def lock_families(conn: Connection, job_ids: Iterable[UUID]) -> dict[UUID, WalletKey]:
    """Lock jobs, their ancestors and the jobs that failed because of them; return the wallet of each."""
    rows = conn.execute(statement("lock_families"), {"jobs": list(job_ids)})
    return {row.id: WalletKey(row.account_id, row.user_ref) for row in rows}
