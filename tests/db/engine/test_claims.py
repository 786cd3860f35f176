"""Claims: only the worker with the current lease may move a job, until the lease expires."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.engine.claims import Claim, claim_due, load, next_due_in, release, renew
from db.engine.commands import cancel
from db.engine.pausing import pause_step
from db.engine.recording import record
from statemachine.outcomes import Accepted, GenerationFailed, OutputReady, StillRunning
from statemachine.steps import STEP_OF
from statemachine.vocabulary import TERMINAL, Kind, State, Step
from tests.support.factories import REFUSED, World, begin_of, claimed, make_job, make_world, move_of

MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(engine: Engine) -> World:
    with engine.begin() as conn:
        return make_world(conn)


def jobs_in(engine: Engine, world: World, *states: State) -> list[UUID]:
    with engine.begin() as conn:
        return [make_job(conn, world, state) for state in states]


def claim_all(engine: Engine, step: Step, limit: int = 100) -> list[Claim]:
    with engine.begin() as conn:
        return [job.claim for job in claim_due(conn, step, worker="w", limit=limit, lease_for=MINUTE)]


@pytest.mark.parametrize("state", sorted(set(State) - TERMINAL - {State.WAITING}))
def test_each_step_claims_exactly_its_own_states(engine: Engine, world: World, state: State) -> None:
    (job_id,) = jobs_in(engine, world, state)
    for step in Step:
        claims = claim_all(engine, step)
        assert [claim.job_id for claim in claims] == ([job_id] if step is STEP_OF[state] else [])


def test_a_leased_job_cannot_be_claimed_until_its_lease_expires(engine: Engine, world: World) -> None:
    (job_id,) = jobs_in(engine, world, State.GENERATING)
    (first,) = claim_all(engine, Step.POLL)
    assert claim_all(engine, Step.POLL) == []
    with engine.begin() as conn:
        conn.execute(text("SET diorama.clock_offset = '61 seconds'"))
        (second,) = claim_due(conn, Step.POLL, worker="other", limit=1, lease_for=MINUTE)
        conn.execute(text("RESET diorama.clock_offset"))
    assert (second.id, second.lease, second.claims) == (job_id, first.lease + 1, 2)


def test_two_workers_never_claim_the_same_job(engine: Engine, world: World) -> None:
    jobs_in(engine, world, *[State.QUEUED] * 60)
    start = Barrier(4)
    claims: list[Claim] = []

    def work() -> None:
        start.wait()
        while taken := claim_all(engine, Step.SUBMIT, limit=5):
            claims.extend(taken)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claims) == len({claim.job_id for claim in claims}) == 60


def test_the_longest_due_job_is_claimed_first_and_priority_is_a_head_start(engine: Engine, world: World) -> None:
    with engine.begin() as conn:
        ordinary, urgent, unimportant = (make_job(conn, world, priority=priority) for priority in (0, 5, -5))
    claims = claim_all(engine, Step.SUBMIT)
    assert {claim.job_id for claim in claims} == {ordinary, urgent, unimportant}
    with engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET lease_expires_at = NULL, claimed_by = NULL"))
    assert [claim_all(engine, Step.SUBMIT, limit=1)[0].job_id for _ in range(3)] == [urgent, ordinary, unimportant]


def test_a_stale_lease_cannot_record(engine: Engine, world: World) -> None:
    (job_id,) = jobs_in(engine, world, State.GENERATING)
    with engine.begin() as conn:
        zombie = claimed(conn, job_id)
        owner = claimed(conn, job_id)
        assert record(conn, [move_of(zombie, OutputReady(("u",), 1))]).moved == {}
        assert set(record(conn, [move_of(owner, StillRunning(40, 1.0))]).moved) == {job_id}
        assert conn.scalar(text("SELECT state FROM jobs WHERE id = :id"), {"id": job_id}) == "generating"


def test_a_fenced_move_writes_nothing(engine: Engine, world: World) -> None:
    (job_id,) = jobs_in(engine, world, State.QUEUED)
    with engine.begin() as conn:
        zombie, _ = claimed(conn, job_id), claimed(conn, job_id)
        record(conn, [begin_of(zombie)])
        assert conn.scalar(text("SELECT count(*) FROM attempts")) == 0


def test_recording_ends_the_lease_and_resets_the_count_of_claims(engine: Engine, world: World) -> None:
    (job_id,) = jobs_in(engine, world, State.GENERATING)
    with engine.begin() as conn:
        record(conn, [move_of(claimed(conn, job_id), StillRunning(40, 60.0))])
        row = conn.execute(text("SELECT * FROM jobs WHERE id = :id"), {"id": job_id}).one()
    assert (row.lease_expires_at, row.claimed_by, row.claims) == (None, None, 0)
    with engine.connect() as conn:
        assert 50 < next_due_in(conn, Step.POLL) <= 60


def test_returning_a_claim_changes_only_the_lease_number(engine: Engine, world: World) -> None:
    jobs_in(engine, world, State.QUEUED)
    (claim,) = claim_all(engine, Step.SUBMIT)
    with engine.begin() as conn:
        assert release(conn, [claim]) == 1
        assert release(conn, [claim]) == 0
        row = conn.execute(text("SELECT claims, attempt, seq, lease FROM jobs")).one()
    assert tuple(row) == (0, 0, 1, 1)
    assert claim_all(engine, Step.SUBMIT) == [Claim(claim.job_id, 2)]


def test_a_lease_can_be_renewed_only_under_its_own_number(engine: Engine, world: World) -> None:
    jobs_in(engine, world, State.TRANSCODING)
    (claim,) = claim_all(engine, Step.TRANSCODE)
    with engine.begin() as conn:
        assert renew(conn, claim, timedelta(hours=1))
        assert not renew(conn, Claim(claim.job_id, claim.lease - 1), timedelta(hours=1))
        assert conn.scalar(text("SELECT lease_expires_at > now() + interval '50 minutes' FROM jobs"))


def test_the_commit_of_an_intent_renews_the_lease(engine: Engine, world: World) -> None:
    """The paid call has a whole lease, however long ago the job was claimed, and even during a pause."""
    jobs_in(engine, world, State.QUEUED)
    (claim,) = claim_all(engine, Step.SUBMIT)
    with engine.begin() as conn:
        pause_step(conn, Step.SUBMIT, by="support:mo", reason=None)
        job = load(conn, claim)
        assert job is not None
        begun = replace(begin_of(job), keep_lease=True, lease_for=timedelta(hours=1))
        moved = record(conn, [begun]).moved[claim.job_id]
        assert (moved.lease, moved.is_leased) == (claim.lease, True)
        assert conn.scalar(text("SELECT lease_expires_at = now() + interval '1 hour' FROM jobs"))


@pytest.mark.parametrize("state", sorted(set(State) - TERMINAL - {State.SUBMITTING, State.COMPENSATING, State.WAITING}))
def test_a_cancel_takes_effect_at_once_and_fences_the_worker(engine: Engine, world: World, state: State) -> None:
    (job_id,) = jobs_in(engine, world, state)
    with engine.begin() as conn:
        worker = claimed(conn, job_id)
        assert cancel(conn, job_id, "api")
        row = conn.execute(text("SELECT state, event, error_code FROM jobs WHERE id = :id"), {"id": job_id}).one()
        assert tuple(row) == ("compensating", "cancel_requested", "canceled")
        assert load(conn, worker.claim) is None
        assert not renew(conn, worker.claim, MINUTE)
    (claim,) = claim_all(engine, Step.COMPENSATE)
    assert claim.job_id == job_id
    with engine.begin() as conn:
        assert renew(conn, claim, MINUTE), "a cancel does not stop the compensation"


def test_a_cancel_during_a_submission_waits_for_its_outcome(engine: Engine, world: World) -> None:
    """The outcome of a paid call must be known before it can be undone."""
    (job_id,) = jobs_in(engine, world, State.QUEUED)
    with engine.begin() as conn:
        worker = claimed(conn, job_id)
        record(conn, [begin_of(worker)])
        assert cancel(conn, job_id, "api")
        assert conn.scalar(text("SELECT state FROM jobs")) == "submitting"
        submitted = claimed(conn, job_id)
        record(conn, [move_of(submitted, Accepted("p", 3600.0))])
    (due,) = claim_all(engine, Step.COMPENSATE)
    assert due.job_id == job_id


@pytest.mark.parametrize("state", sorted({*TERMINAL, State.COMPENSATING}))
def test_a_job_that_has_ended_or_is_compensating_cannot_be_canceled(engine: Engine, world: World, state: State) -> None:
    (job_id,) = jobs_in(engine, world, state)
    with engine.begin() as conn:
        assert not cancel(conn, job_id, "api")


def test_the_failure_of_a_parent_ends_all_its_descendants(engine: Engine, world: World) -> None:
    with engine.begin() as conn:
        avatar = make_job(conn, world, State.GENERATING)
        scene = make_job(conn, world, State.WAITING, kind=Kind.SCENE, parent_id=avatar, theme="neon-city")
        video = make_job(conn, world, State.WAITING, kind=Kind.ANIMATION, parent_id=scene, duration_s=6)
        recorded = record(conn, [move_of(claimed(conn, avatar), GenerationFailed(REFUSED))])
        assert recorded.relatives == {scene, video}
        rows = conn.execute(text("SELECT state, error_code FROM jobs WHERE parent_id IS NOT NULL")).all()
    assert {tuple(row) for row in rows} == {("compensating", "parent_failed")}


def test_canceling_a_parent_cancels_the_job_that_waits_for_it(engine: Engine, world: World) -> None:
    with engine.begin() as conn:
        avatar = make_job(conn, world, State.GENERATING)
        make_job(conn, world, State.WAITING, kind=Kind.SCENE, parent_id=avatar, theme="neon-city")
        cancel(conn, avatar, "api")
        wishes = conn.execute(text("SELECT cancel_requested_at IS NOT NULL FROM jobs")).scalars().all()
    assert wishes == [True, True]


def test_a_claim_reads_the_rows_of_its_own_job(engine: Engine, world: World) -> None:
    first, second = jobs_in(engine, world, State.STORING, State.STORING)
    with engine.begin() as conn:
        jobs = {job.id: job for job in claim_due(conn, Step.STORE, worker="w", limit=9, lease_for=MINUTE)}
        for job_id in (first, second):
            assert jobs[job_id] == load(conn, jobs[job_id].claim)
    assert jobs[first].prediction_id != jobs[second].prediction_id


def test_a_claimed_job_is_changed_only_in_fields_that_it_has(engine: Engine) -> None:
    with engine.begin() as conn:
        job = claimed(conn, make_job(conn, make_world(conn), State.STORING))
    assert job.changed(lease=job.lease + 1) == replace(job, lease=job.lease + 1)
    with pytest.raises(TypeError, match="no leese"):
        job.changed(leese=2)
