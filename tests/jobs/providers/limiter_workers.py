"""Worker processes, as far as the limiter can see, and the jobs that they claim through it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Engine, text

from db.engine.claims import ClaimedJob, claim_due
from jobs.providers.limiter import Admission, LimiterSettings, SharedLimiter
from statemachine.breaker import BreakerPolicy
from statemachine.budget import Budget
from statemachine.vocabulary import State, Step
from tests.support.factories import make_job, make_world

SLOW = LimiterSettings(creates=Budget(60, burst_share=0.1), reads=Budget(60, burst_share=0.1))
LONG_OUTAGE = LimiterSettings(breaker=BreakerPolicy(failures_max=3, outage_s=600, account_s=600))


class Worker:
    """Stands for a separate process, as far as the limiter can see."""

    def __init__(self, engine: Engine, settings: LimiterSettings) -> None:
        self.engine = engine
        self.limiter = SharedLimiter(engine, settings)
        self.admission = Admission(0)

    def claim(self, limit: int = 100, ahead_s: float = 0.0) -> list[ClaimedJob]:
        """Claim as the broker does, `ahead_s` later by the database's clock."""
        with self.engine.begin() as conn:
            conn.execute(text("SELECT set_config('diorama.clock_offset', :by, true)"), {"by": f"{ahead_s} seconds"})

            def admit(want: int) -> int:
                self.admission = self.limiter.admit(conn, want)
                return self.admission.most

            lease_for = timedelta(seconds=60)
            jobs = claim_due(conn, Step.SUBMIT, worker="w", limit=limit, lease_for=lease_for, admit=admit)
            queued = [job for job in jobs if job.state is State.QUEUED]
            self.limiter.admitted(conn, self.admission, [job.id for job in queued])
            return queued


def queue(engine: Engine, number: int, state: State = State.QUEUED) -> list[UUID]:
    with engine.begin() as conn:
        world = make_world(conn)
        return [make_job(conn, world, state) for _ in range(number)]
