"""How submissions stand: whether the provider's account or an outage has stopped them, and what they have cost.

The provider tells no balance. What can be read is what it answered, which the workers keep in the breaker, and what our
own books say was spent.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection

from db.engine.provider_limiter import CREATE, limits_now
from db.records.provider_spend import spent_on_jobs_since
from diorama.doctor.findings import Finding
from statemachine.breaker import Breaker
from statemachine.budget import Bucket
from statemachine.vocabulary import BreakerCause, BreakerState

_DAY = timedelta(days=1)
_DETAIL_LENGTH_MAX = 200
_WHAT, _SPENT = "submissions", "spent"
_BY = {BreakerCause.ACCOUNT: "trouble with the provider's account", BreakerCause.OUTAGE: "an outage of the provider"}
_MEND = {
    BreakerCause.ACCOUNT: "credit and REPLICATE_API_TOKEN should be seen to; then they go on by themselves",
    BreakerCause.OUTAGE: "they go on by themselves once it works again",
}


def examine_submissions(conn: Connection) -> Iterator[Finding]:
    """Say what the workers know of the provider's account, and what it was paid by our books."""
    buckets, breaker, now = limits_now(conn)
    yield _standing(buckets[CREATE], breaker, now)
    yield _spent(conn, now)


def _standing(creates: Bucket, breaker: Breaker, now: datetime) -> Finding:
    if breaker.state is not BreakerState.CLOSED and breaker.cause is not None:
        since = f"{breaker.opened_at:%Y-%m-%d %H:%M:%S} UTC" if breaker.opened_at else "just now"
        told = (breaker.detail or "it said nothing").replace("\n", " ")[:_DETAIL_LENGTH_MAX]
        why = f"stopped since {since} by {_BY[breaker.cause]} ({told})"
        return Finding(_WHAT, False, f"{why}; {_MEND[breaker.cause]}")
    wait_s = 0.0 if creates.blocked_until is None else (creates.blocked_until - now).total_seconds()
    if wait_s > 0:
        return Finding(_WHAT, None, f"wait {wait_s:.0f} s, because the provider asked for it")
    return Finding(_WHAT, True, "are made")


def _spent(conn: Connection, now: datetime) -> Finding:
    spending = spent_on_jobs_since(conn, now - _DAY)
    cost = f"${spending.cost_micros / 1_000_000:.2f} by our own books"
    return Finding(_SPENT, None, f"{cost}, for {spending.submissions} submissions of the jobs of the last 24 hours")
