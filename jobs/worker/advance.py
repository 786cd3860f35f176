"""Advancing a job by one step: load, act, decide, record. Every step is these few lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from db.engine.claims import Claim, ClaimedJob, load
from db.engine.recording import Move, Moved
from db.engine.row_changes import AttemptChanged, RowChange
from db.public_ids import IdKind, encode_id
from jobs.engine.move_log import log_move, logged
from jobs.providers.limited import notice
from jobs.steps.by_state import STEPS
from jobs.steps.compensate import left_for_review
from jobs.steps.failures import surprise
from jobs.steps.result import Work, successor
from jobs.steps.runtime import Runtime
from jobs.worker.discarding import WRITES, tidy_soon
from statemachine.decisions import Decision, decide, interrupt
from statemachine.outcomes import StepFailed
from statemachine.vocabulary import STEP_OF, Event, State

log = structlog.get_logger(__name__)


Steps = Mapping[State, Callable[[ClaimedJob, Runtime], Work | None]]


def advance(claim: Claim, runtime: Runtime, steps: Steps = STEPS, known: ClaimedJob | None = None) -> None:
    """Move a claimed job by one step. A claim that was lost, before or on the way, changes nothing.

    `known` is what was read with the claim; without it the job is read now.
    """
    job = known or _load(claim, runtime)
    if job is None:
        return
    decision = interrupt(job.facts, job.now(runtime.instant()), runtime.policy)
    if decision is not None:
        move = Move(job.claim, job.state, decision, row_changes=_left_open(job, decision, runtime))
        runtime.recorder.record(move, logged(job, move))
        _give_way(job, runtime)
        return
    work = _act(job, runtime, steps)
    if work is not None:
        _record(work, runtime)
    _give_way(work.job if work else job, runtime)


def _give_way(job: ClaimedJob, runtime: Runtime) -> None:
    """Let the limiter know of a queued job that never came to the provider.

    It may have been the one that was to show whether the provider works again. After a long outage the oldest jobs are
    past their deadlines, and each would hold up the others until the limiter gives up on it.
    """
    if job.state is State.QUEUED:
        notice(lambda: runtime.limiter.observe(None))


def _left_open(job: ClaimedJob, decision: Decision, runtime: Runtime) -> tuple[RowChange, ...]:
    """The rows of what others have to look after when a job goes on, or ends, without its step.

    Of a submission whose worker vanished: only a lost one is swept should the job go on without it. Of undoing that
    killed its workers: it waits for a person.
    """
    match decision.event:
        case Event.OUTCOME_LOST:
            return (AttemptChanged(job.id, job.attempt, "lost", error_detail=decision.reason),)
        case Event.UNDONE:
            return left_for_review(job, decision.reason or "", runtime)
        case _:
            return ()


def _follow_up(work: Work) -> None:
    """Do what follows a move that the recorder has: whatever this waits for delays neither the move nor its commit."""
    try:
        if work.afterwards is not None:
            notice(work.afterwards)
    except Exception:
        log.exception("what follows a move failed", job_id=encode_id(IdKind.JOB, work.job.id))


def _load(claim: Claim, runtime: Runtime) -> ClaimedJob | None:
    with runtime.engine.connect() as conn:
        return load(conn, claim)


def _act(job: ClaimedJob, runtime: Runtime, steps: Steps) -> Work | None:
    """Run the step of the job's state. An unexpected error is logged and counts as a failure of the step."""
    try:
        return steps[job.state](job, runtime)
    except Exception as error:
        log.exception("step failed", job_id=encode_id(IdKind.JOB, job.id), state=job.state, attempt=job.attempt)
        return Work(job, StepFailed(surprise(error)))


def _record(work: Work, runtime: Runtime) -> None:
    """Record what came of a step; a job whose next step is due stays with this process where there is room."""
    job = work.job
    decision = decide(job.facts, work.outcome, job.now(runtime.instant()), runtime.policy, runtime.rng)
    if work.charged_micros:
        decision = replace(decision, cost_micros=decision.cost_micros + work.charged_micros)
    step = STEP_OF.get(decision.to_state) if decision.is_due_now else None
    lease_for = runtime.handover.reserve(step) if step else None
    move = Move(
        job.claim, job.state, decision, lease_for=lease_for, row_changes=work.row_changes, output_id=work.output_id
    )

    def then(moved: Moved | None, error: Exception | None) -> None:
        if error is None:
            log_move(job, move, moved)
        if step is not None and lease_for is not None:
            runtime.handover.deliver(step, successor(work, decision, moved))
        if moved is None and error is None and job.state in WRITES:
            # The job had moved on without this worker, which has to take back what it wrote.
            tidy_soon(job, runtime)

    runtime.recorder.record(move, then)
    _follow_up(work)
