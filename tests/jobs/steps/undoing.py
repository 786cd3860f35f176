"""A worker's compensate step on a real database and a real store, with a scripted provider."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Engine, text

from db.engine.claims import Claim, ClaimedJob
from db.engine.recording import record
from jobs.engine.hints import Hinter
from jobs.engine.lease_times import LeaseKeeper
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.providers import failures
from jobs.providers.provider import Prediction, Provider, ProviderError
from jobs.steps.compensate import CompensateParts, compensate
from jobs.steps.lost import LostSubmissions
from jobs.worker.advance import AdvanceParts, advance
from statemachine import outcomes as o
from statemachine.outcomes import Failure, RetryPolicy
from statemachine.vocabulary import ErrorCode
from storage import S3Store
from tests.support.factories import claimed, move_of

BROKEN = o.Failure(ErrorCode.INTERNAL, "It broke.", o.RetryPolicy.NEVER, "a bug")


@dataclass
class ScriptedProvider:
    """Throttles, fails or finds no prediction as often as set, then cancels."""

    fails: int = 0
    retry_policy: RetryPolicy = RetryPolicy.RETRY
    unknown: int = 0
    throttles: int = 0
    canceled: list[str] = field(default_factory=list)

    def cancel(self, prediction_id: str) -> Prediction | None:
        if self.throttles > 0:
            self.throttles -= 1
            raise ProviderError(failures.of_status(429, "Request was throttled.", 7.0))
        if self.fails > 0:
            self.fails -= 1
            raise ProviderError(Failure(ErrorCode.PROVIDER_UNAVAILABLE, "busy", self.retry_policy, "it said 503"))
        if self.unknown > 0:
            self.unknown -= 1
            return None
        self.canceled.append(prediction_id)
        return Prediction(prediction_id, "canceled", (), None, "", False, None, has_started=False)


@dataclass
class Undoing:
    """The parts of a worker that compensate a job."""

    engine: Engine
    store: S3Store
    provider: ScriptedProvider = field(default_factory=ScriptedProvider)

    def undo(self, job_id: UUID) -> str:
        """Run the compensate step of a job once, record its outcome, and return the job's state."""
        with self.engine.begin() as conn:
            job = claimed(conn, job_id)
        renewer = Renewer(self.engine)
        provider = cast("Provider", self.provider)
        lost = LostSubmissions(self.engine, provider)
        parts = CompensateParts(self.engine, self.store, provider, lost, LeaseKeeper(renewer))
        work = compensate(job, parts)
        renewer.close()
        if work is not None:
            undone = move_of(job, work.outcome, *work.row_changes)
            charged = replace(undone, decision=replace(undone.decision, cost_micros=work.charged_micros))
            with self.engine.begin() as conn:
                record(conn, [charged])
        return self.state(job_id)

    def interrupt(self, claim: Claim, hinter: Hinter) -> None:
        """Advance a job whose step must no longer run, and record that."""
        discarded: list[ClaimedJob] = []
        recorder = Recorder(self.engine, hinter)
        advance(claim, AdvanceParts(self.engine, recorder, steps={}, discard=discarded.append))
        recorder.close()
        assert discarded == []

    def undo_all(self) -> None:
        """Undo every compensating job, and every parent that this rolls back, until none is left."""
        while found := self._column("SELECT id FROM jobs WHERE state = 'compensating'"):
            for job_id in found:
                self.undo(job_id)

    def state(self, job_id: UUID) -> str:
        return str(self._column("SELECT state FROM jobs WHERE id = :id", id=job_id)[0])

    def actions(self, job_id: UUID) -> dict[str, str]:
        """Return the state of each action of a job."""
        with self.engine.connect() as conn:
            rows = conn.execute(
                text("SELECT action, state FROM compensation_actions WHERE job_id = :id"), {"id": job_id}
            )
            return {row.action: row.state for row in rows}

    def put(self, job_id: UUID, *names: str) -> None:
        """Leave objects as the steps of a job do."""
        for name in names:
            self.store.put_stream(f"jobs/{job_id}/{name}", [b"x"], content_type="image/png", max_bytes=10)

    def objects(self, job_id: UUID) -> list[str]:
        prefix = f"jobs/{job_id}/"
        return sorted(found.key.removeprefix(prefix) for found in self.store.list(prefix))

    def _column(self, statement: str, **given: object) -> list[Any]:
        with self.engine.connect() as conn:
            return list(conn.scalars(text(statement), given))


def fail(engine: Engine, job_id: UUID, outcome: o.Outcome | None = None) -> None:
    """End the current step of a job for good."""
    with engine.begin() as conn:
        record(conn, [move_of(claimed(conn, job_id), outcome or o.StepFailed(BROKEN))])
