"""Legal rows for tests: each helper fills in everything that does not matter to the test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, insert, text

from db.engine.claims import Claim, ClaimedJob, load
from db.engine.recording import Move, record
from db.engine.row_changes import AssetMade, AttemptBegun, AttemptChanged, RowChange
from db.ids import new_id
from db.records.accounts import insert_account, insert_test_account
from db.records.ledger import hold_credits
from db.records.requests import JobRequest, Owner, insert_job
from db.tables import assets
from jobs.requesting.credits import grant_to_account
from statemachine import outcomes as o
from statemachine.backoff import JobPolicy
from statemachine.decisions import CANCELED_BY_REQUEST, compensate, decide, move
from statemachine.transitions import FINISHING
from statemachine.vocabulary import ErrorCode, Event, Kind, OnFailure, State

# After this the owner may retry, after the next the same would happen again.
BROKEN = o.Failure(ErrorCode.INTERNAL, "It broke.", o.RetryPolicy.NEVER, "a bug")
REFUSED = o.Failure(ErrorCode.CONTENT_REJECTED, "It was declined.", o.RetryPolicy.NEVER, "(E005)")


@dataclass(frozen=True)
class World:
    """An account and its selfie."""

    owner: Owner
    selfie_id: UUID


def make_world(conn: Connection) -> World:
    """Add an account with a ready selfie and credits."""
    account_id = insert_account(conn, f"account {new_id()}")
    return _world(conn, Owner(account_id, None))


def make_test_world(conn: Connection) -> World:
    """Add the test account of a new account with a ready selfie and credits."""
    live_id = insert_account(conn, f"account {new_id()}")
    return _world(conn, Owner(insert_test_account(conn, live_id, jobs_at_once=100), None, is_test=True))


def _world(conn: Connection, owner: Owner) -> World:
    account_id = owner.account_id
    grant_to_account(conn, account_id, 10_000, actor="test")
    selfie_id = new_id()
    conn.execute(
        insert(assets).values(
            id=selfie_id,
            account_id=account_id,
            kind="selfie",
            state="ready",
            object_key=f"assets/{selfie_id}.jpg",
            content_type="image/jpeg",
            size_bytes=1,
            sha256="00",
        )
    )
    return World(owner, selfie_id)


_TO_SUCCESS = (*(each.state for each in FINISHING), State.SUCCEEDED)
# The states through which a queued job reaches each state.
_PATH: dict[State, tuple[State, ...]] = {
    State.QUEUED: (),
    State.SUBMITTING: (State.SUBMITTING,),
    State.RECONCILING: (State.SUBMITTING, State.RECONCILING),
    State.GENERATING: (State.SUBMITTING, State.GENERATING),
    **{
        state: (State.SUBMITTING, State.GENERATING, *_TO_SUCCESS[: number + 1])
        for number, state in enumerate(_TO_SUCCESS)
    },
    State.COMPENSATING: (State.SUBMITTING, State.GENERATING, State.COMPENSATING),
    State.FAILED: (State.SUBMITTING, State.GENERATING, State.COMPENSATING, State.FAILED),
    State.CANCELED: (State.COMPENSATING, State.CANCELED),
}


def make_job(
    conn: Connection,
    world: World,
    state: State = State.QUEUED,
    *,
    kind: Kind = Kind.AVATAR,
    story_id: UUID | None = None,
    parent_id: UUID | None = None,
    **request: Any,
) -> UUID:
    """Add a job and move it, legally, to `state`; it is due at once and not leased. `credits` are held for it."""
    job_id = new_id()
    wanted = JobRequest(
        kind=kind,
        tier="paid",
        priority=request.pop("priority", 0),
        on_failure=request.pop("on_failure", OnFailure.KEEP),
        input_id=None if parent_id else world.selfie_id,
        **request,
    )
    waits = state is State.WAITING
    insert_job(
        conn,
        world.owner,
        job_id,
        wanted,
        deadline=timedelta(hours=6),
        story_id=story_id,
        parent_id=parent_id,
        waits=waits,
    )
    hold_credits(conn, [job_id], actor="test")
    if not waits:
        advance_through(conn, job_id, state)
    conn.execute(
        text("UPDATE jobs SET due_at = now() WHERE id = :id AND due_at > now() AND state <> 'waiting'"), {"id": job_id}
    )
    return job_id


def claim(conn: Connection, job_id: UUID, *, lasts: timedelta = timedelta(minutes=1), worker: str = "test") -> Claim:
    """Lease a job as a worker does, even if it is not due."""
    row = conn.execute(
        text(
            "UPDATE jobs SET lease = lease + 1, claims = claims + 1, claimed_by = :worker, "
            "lease_expires_at = diorama_now() + :lasts WHERE id = :id RETURNING lease"
        ),
        {"id": job_id, "worker": worker, "lasts": lasts},
    ).one()
    return Claim(job_id, row.lease)


def claimed(conn: Connection, job_id: UUID, **lease: Any) -> ClaimedJob:
    """Lease a job and read it."""
    found = load(conn, claim(conn, job_id, **lease))
    assert found is not None
    return found


def move_of(job: ClaimedJob, outcome: o.Outcome, *row_changes: RowChange, output_id: UUID | None = None) -> Move:
    """Return the move that an outcome leads to."""
    decision = decide(job.facts, outcome, datetime.now(UTC), JobPolicy(), Random(1))
    return Move(job.claim, job.state, decision, row_changes=row_changes, output_id=output_id)


def begin_of(job: ClaimedJob) -> Move:
    """Return the move that begins a submission."""
    attempt = AttemptBegun(job.id, job.attempt + 1, uuid4(), "openai/gpt-image-1", "test", 64_000, is_traceable=True)
    decision = move(job.facts, Event.SUBMIT_STARTED, due_in=timedelta(0))
    return Move(job.claim, job.state, decision, attempts_begun=1, row_changes=(attempt,))


def output_of(job: ClaimedJob) -> AssetMade:
    """Return a finished file of a job."""
    return AssetMade(
        id=new_id(),
        account_id=job.account_id,
        session_id=None,
        kind="avatar",
        object_key=f"jobs/{job.id}/{job.attempt}/avatar.png",
        content_type="image/png",
        width_px=1024,
        height_px=1024,
        duration_s=None,
        frames_per_second=None,
        size_bytes=1,
        sha256="00",
    )


def advance_through(conn: Connection, job_id: UUID, state: State) -> None:
    """Move a queued job to a state, through all those before it."""
    for target in _PATH[state]:
        advance_to(conn, job_id, target)


def advance_to(conn: Connection, job_id: UUID, target: State) -> None:
    """Move a job to a state that is one move away."""
    job = claimed(conn, job_id)
    recorded = record(conn, [_move_towards(job, target)])
    assert job_id in recorded.moved


def _move_towards(job: ClaimedJob, target: State) -> Move:
    match target:
        case State.SUBMITTING:
            return begin_of(job)
        case State.RECONCILING:
            return move_of(job, o.OutcomeLost("the response was lost"), AttemptChanged(job.id, job.attempt, "lost"))
        case State.GENERATING:
            prediction_id = uuid4().hex
            changed = AttemptChanged(job.id, job.attempt, "running", prediction_id=prediction_id)
            return move_of(job, o.Accepted(prediction_id, 0.0), changed)
        case _ if target in _TO_SUCCESS:
            return _move_towards_success(job, target)
        case State.COMPENSATING if job.state is State.GENERATING:
            return move_of(job, o.GenerationFailed(BROKEN))
        case State.COMPENSATING:
            return Move(job.claim, job.state, compensate(job.facts, Event.CANCEL_REQUESTED, CANCELED_BY_REQUEST))
        case State.CANCELED:
            return Move(job.claim, job.state, move(job.facts, Event.UNDONE, State.CANCELED, due_in=None))
        case _:
            return move_of(job, o.Undone())


def _move_towards_success(job: ClaimedJob, target: State) -> Move:
    """Return the move of a job whose prediction has finished."""
    if job.state is State.GENERATING:
        changed = AttemptChanged(job.id, job.attempt, "succeeded", output_urls=("http://127.0.0.1:1/out.png",))
        return move_of(job, o.OutputReady(("http://127.0.0.1:1/out.png",), 64_000), changed)
    if job.state is State.STORING:
        changed = AttemptChanged(job.id, job.attempt, "succeeded", source_key=f"jobs/{job.id}/1/source.png")
        return move_of(job, o.StepDone(), changed)
    if target is State.SUCCEEDED:
        output = output_of(job)
        return move_of(job, o.StepDone(), output, output_id=output.id)
    return move_of(job, o.StepDone())
