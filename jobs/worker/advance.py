"""Advancing a job by one step: load, act, decide, record. Every step is these few lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

import structlog
from sqlalchemy import Engine

from db.elapsed import Instant, this_instant
from db.engine.claims import Claim, ClaimedJob, load
from db.engine.recording import Move, Moved
from db.engine.row_changes import AttemptChanged, RowChange
from db.public_ids import IdKind, encode_id
from jobs.engine.move_log import log_move, logged
from jobs.engine.recorder import Recorder
from jobs.full_disk import is_full_disk
from jobs.providers.limited import notice
from jobs.providers.limiter import Limiter, NoLimiter
from jobs.steps.by_state import Steps
from jobs.steps.compensate import left_for_review
from jobs.steps.failures import storage_failure, surprise
from jobs.steps.result import Work, successor
from jobs.steps.runtime import Runtime
from jobs.worker.discarding import tidy_soon
from jobs.worker.handover import Handover, NoHandover
from statemachine.backoff import JobPolicy
from statemachine.decisions import Decision, decide, interrupt
from statemachine.outcomes import StepFailed
from statemachine.steps import STEP_OF, WRITING_STATES, lane_of
from statemachine.vocabulary import Event, State

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AdvanceParts:
    """The collaborators that advance a job. `discard` deletes what a fenced step wrote for its job."""

    engine: Engine
    recorder: Recorder
    steps: Steps
    discard: Callable[[ClaimedJob], None]
    handover: Handover = field(default_factory=NoHandover)
    limiter: Limiter = field(default_factory=NoLimiter)
    policy: JobPolicy = field(default_factory=JobPolicy)
    rng: Random = field(default_factory=Random)
    instant: Callable[[], Instant] = this_instant

    @classmethod
    def of(cls, runtime: Runtime, steps: Steps, handover: Handover) -> AdvanceParts:
        """Return the parts of a worker."""
        return cls(
            engine=runtime.engine,
            recorder=runtime.recorder,
            steps=steps,
            discard=partial(tidy_soon, engine=runtime.engine, store=runtime.store),
            handover=handover,
            limiter=runtime.limiter,
            policy=runtime.policy,
            rng=runtime.rng,
            instant=runtime.instant,
        )


def advance(claim: Claim, parts: AdvanceParts, known: ClaimedJob | None = None) -> None:
    """Move a claimed job by one step. A claim that was lost, before or on the way, changes nothing.

    `known` is what was read with the claim; without it the job is read now.
    """
    job = known or _load(claim, parts)
    if job is None:
        return
    decision = interrupt(job.facts, job.now(parts.instant()), parts.policy)
    if decision is not None:
        move = Move(job.claim, job.state, decision, row_changes=_left_open(job, decision, parts))
        parts.recorder.record(move, logged(job, move))
        _give_way(job, parts)
        return
    work = _act(job, parts)
    if work is not None:
        _record(work, parts)
    _give_way(work.job if work else job, parts)


def _give_way(job: ClaimedJob, parts: AdvanceParts) -> None:
    """Report to the limiter that a queued job never reached the provider.

    The job may have been the probe of an open breaker. After a long outage the oldest jobs are past their
    deadlines, and each would delay the others until the limiter gave up on it.
    """
    if job.state is State.QUEUED and not job.is_test:
        notice(lambda: parts.limiter.observe(None))


def _left_open(job: ClaimedJob, decision: Decision, parts: AdvanceParts) -> tuple[RowChange, ...]:
    """Return the rows that others act on when a job goes on, or ends, without its step.

    If a submission's worker vanished, its attempt is lost, and the orphan search will find it. If compensating
    killed its workers, the pending actions need review.
    """
    match decision.event:
        case Event.OUTCOME_LOST:
            return (AttemptChanged(job.id, job.attempt, "lost", error_detail=decision.reason),)
        case Event.UNDONE:
            return left_for_review(job, decision.reason or "", parts.engine)
        case _:
            return ()


def _follow_up(work: Work) -> None:
    """Do what follows a move that the recorder has: whatever this waits for delays neither the move nor its commit."""
    try:
        if work.afterwards is not None:
            notice(work.afterwards)
    except Exception:
        log.exception("what follows a move failed", job_id=encode_id(IdKind.JOB, work.job.id))


def _load(claim: Claim, parts: AdvanceParts) -> ClaimedJob | None:
    with parts.engine.connect() as conn:
        return load(conn, claim)


def _act(job: ClaimedJob, parts: AdvanceParts) -> Work | None:
    """Run the step of the job's state. An unexpected error is logged and counts as a failure of the step."""
    try:
        return parts.steps[job.state](job)
    except Exception as error:
        if is_full_disk(error):
            log.error("no room on the disk", job_id=encode_id(IdKind.JOB, job.id), state=job.state, reason=str(error))
            return Work(job, StepFailed(storage_failure(error)))
        log.exception("step failed", job_id=encode_id(IdKind.JOB, job.id), state=job.state, attempt=job.attempt)
        return Work(job, StepFailed(surprise(error)))


def _record(work: Work, parts: AdvanceParts) -> None:
    """Record what came of a step; a job whose next step is due stays with this process where there is room."""
    job = work.job
    decision = decide(job.facts, work.outcome, job.now(parts.instant()), parts.policy, parts.rng)
    if work.charged_micros:
        decision = replace(decision, cost_micros=decision.cost_micros + work.charged_micros)
    step = STEP_OF.get(decision.to_state) if decision.is_due_now else None
    lane = lane_of(step, job.kind) if step else None
    lease_for = parts.handover.reserve(lane, job.account_id) if lane else None
    move = Move(
        job.claim, job.state, decision, lease_for=lease_for, row_changes=work.row_changes, output_id=work.output_id
    )

    def then(moved: Moved | None, error: Exception | None) -> None:
        if error is None:
            log_move(job, move, moved)
        if lane is not None and lease_for is not None:
            parts.handover.deliver(lane, successor(work, decision, moved))
        if moved is None and error is None and job.state in WRITING_STATES:
            # The job had moved on without this worker, which has to take back what it wrote.
            parts.discard(job)

    parts.recorder.record(move, then)
    _follow_up(work)
