"""The state of submissions: running, or stopped by an account error or an outage; and their cost.

The provider has no API for the account's balance. The breaker keeps its last error, and our attempts what was spent.
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
_CAUSE = {BreakerCause.ACCOUNT: "an account error at the provider", BreakerCause.OUTAGE: "an outage of the provider"}
_ADVICE = {
    BreakerCause.ACCOUNT: "check the account's credit and REPLICATE_API_TOKEN; submissions then resume by themselves",
    BreakerCause.OUTAGE: "they resume by themselves once it works again",
}


def examine_submissions(conn: Connection) -> Iterator[Finding]:
    """Report what the workers know of the provider's account, and what we have paid it by our own books."""
    buckets, breaker, now = limits_now(conn)
    yield _standing(buckets[CREATE], breaker, now)
    yield _spent(conn, now)


def _standing(creates: Bucket, breaker: Breaker, now: datetime) -> Finding:
    if breaker.state is not BreakerState.CLOSED and breaker.cause is not None:
        since = f"{breaker.opened_at:%Y-%m-%d %H:%M:%S} UTC" if breaker.opened_at else "just now"
        detail = (breaker.detail or "no details").replace("\n", " ")[:_DETAIL_LENGTH_MAX]
        why = f"stopped since {since} by {_CAUSE[breaker.cause]} ({detail})"
        return Finding(_WHAT, False, f"{why}; {_ADVICE[breaker.cause]}")
    wait_s = 0.0 if creates.blocked_until is None else (creates.blocked_until - now).total_seconds()
    if wait_s > 0:
        return Finding(_WHAT, None, f"paused for {wait_s:.0f} s at the provider's request")
    return Finding(_WHAT, True, "running")


def _spent(conn: Connection, now: datetime) -> Finding:
    spending = spent_on_jobs_since(conn, now - _DAY)
    cost = f"${spending.cost_micros / 1_000_000:.2f} by our own books"
    return Finding(_SPENT, None, f"{cost}, on {spending.submissions} submissions in the last 24 hours")
