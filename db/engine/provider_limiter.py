"""The budgets of provider calls and the breaker, shared by all processes.

To change one, lock its row, read it, apply the pure rules, and write it in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from db.statements import statement
from db.tables import provider_breaker, provider_budgets
from statemachine.breaker import Breaker
from statemachine.budget import Bucket
from statemachine.vocabulary import BreakerCause, BreakerState, ProviderCall

CREATE, READ = ProviderCall.CREATE, ProviderCall.READ


@dataclass(frozen=True, slots=True)
class Creates:
    """The state of submissions at `now`, by the database's clock.

    `at_provider` and `on_their_way` are the jobs in flight; `at_provider` is None if they were not counted.
    """

    bucket: Bucket
    breaker: Breaker
    now: datetime
    at_provider: int | None
    on_their_way: tuple[UUID, ...]


def lock_creates(conn: Connection, *, counts_in_flight: bool) -> Creates:
    """Read the state of submissions and lock it until the transaction ends."""
    row = conn.execute(statement("lock_creates"), {"counts_in_flight": counts_in_flight}).one()
    return Creates(_bucket(row), _breaker(row), row.now, row.at_provider, tuple(row.on_their_way))


def save_creates(conn: Connection, bucket: Bucket, admitted: Sequence[UUID] | None = None) -> None:
    """Write the state of submissions; `admitted` are the jobs on their way to the provider, if those are tracked."""
    own: dict[str, Any] = {} if admitted is None else {"admitted": list(admitted)}
    _save_bucket(conn, CREATE, bucket, **own)


def save_breaker(conn: Connection, breaker: Breaker) -> None:
    """Write the breaker."""
    conn.execute(update(provider_breaker).values(**asdict(breaker)))


def lock_reads(conn: Connection) -> tuple[Bucket, datetime]:
    """Read the state of reads and the database's time, and lock it until the transaction ends."""
    found = select(provider_budgets, func.diorama_now().label("now")).where(provider_budgets.c.call == READ)
    row = conn.execute(found.with_for_update()).one()
    return _bucket(row), row.now


def save_reads(conn: Connection, bucket: Bucket) -> None:
    """Write the state of reads."""
    _save_bucket(conn, READ, bucket)


class Limits(NamedTuple):
    """The state of calls at `now`, by the database's clock: the bucket of each kind of call, and the breaker."""

    buckets: dict[str, Bucket]
    breaker: Breaker
    now: datetime


def limits_now(conn: Connection) -> Limits:
    """Read the state of calls without locking it."""
    rows = conn.execute(select(provider_budgets, func.diorama_now().label("now"))).all()
    breaker = _breaker(conn.execute(select(provider_breaker)).one())
    return Limits({row.call: _bucket(row) for row in rows}, breaker, rows[0].now)


def _save_bucket(conn: Connection, call: str, bucket: Bucket, **own: Any) -> None:
    conn.execute(update(provider_budgets).where(provider_budgets.c.call == call).values(**asdict(bucket), **own))


def _bucket(row: Any) -> Bucket:
    return Bucket(row.permits, row.filled_at, row.blocked_until, row.next_slot_at, row.per_minute)


def _breaker(row: Any) -> Breaker:
    return Breaker(
        state=BreakerState(row.state),
        failures=row.failures,
        openings=row.openings,
        cause=None if row.cause is None else BreakerCause(row.cause),
        detail=row.detail,
        opened_at=row.opened_at,
        until=row.until,
    )
