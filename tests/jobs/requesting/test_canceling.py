"""A cancel takes effect even while a paid call is under way or its outcome is being searched for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from db.engine.claims import claim_due
from db.engine.commands import cancel
from db.engine.recording import record
from jobs.engine.hints import Hinter
from jobs.engine.recorder import Recorder
from jobs.steps.compensate import TRIES_MAX
from statemachine import outcomes as o
from statemachine.vocabulary import ErrorCode, Kind, State, Step
from storage import S3Store
from tests.jobs.steps.undoing import Undoing
from tests.support.eventually import eventually
from tests.support.factories import World, begin_of, claimed, make_job, move_of
from tests.support.invariants import assert_sound
from tests.support.scripted import ScriptedProvider, SearchedProvider

BUSY = o.Failure(ErrorCode.PROVIDER_UNAVAILABLE, "busy", o.RetryPolicy.WAIT, retry_after_s=600)
TRANSIENT = o.Failure(ErrorCode.PROVIDER_UNAVAILABLE, "busy", o.RetryPolicy.RETRY)
OUTCOMES: tuple[o.Outcome, ...] = (
    o.Accepted("p", 600.0),
    o.Refused(BUSY),
    o.Refused(TRANSIENT),
    o.OutcomeLost("ReadTimeout after sending"),
)


def submitting(engine: Engine, world: World) -> UUID:
    with engine.begin() as conn:
        job_id = make_job(conn, world)
        record(conn, [replace(begin_of(claimed(conn, job_id)), keep_lease=True)])
        return job_id


def waiting_for_locks(engine: Engine) -> int:
    with engine.connect() as conn:
        return int(conn.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")) or 0)


def events(engine: Engine, job_id: UUID) -> list[tuple[str, str, str]]:
    with engine.connect() as conn:
        rows = conn.execute(
            text("SELECT event, to_state, actor FROM job_events WHERE job_id = :id ORDER BY seq"), {"id": job_id}
        )
        return [tuple(row) for row in rows]


def test_a_cancel_while_the_call_is_under_way_is_in_the_history_at_once(engine: Engine, world: World) -> None:
    job_id = submitting(engine, world)
    with engine.begin() as conn:
        assert cancel(conn, job_id, "support:mo")
        row = conn.execute(text("SELECT state, cancel_requested_at, claimed_by, due_at FROM jobs")).one()
    assert row.state == "submitting"
    assert row.cancel_requested_at is not None
    assert row.claimed_by == "test", "its worker goes on, or the response would be lost"
    assert events(engine, job_id)[-1] == ("cancel_requested", "submitting", "support:mo")
    assert_sound(engine)


def test_a_second_cancel_while_the_call_is_under_way_changes_nothing(engine: Engine, world: World) -> None:
    job_id = submitting(engine, world)
    with engine.begin() as conn:
        cancel(conn, job_id, "api")
        before = conn.execute(text("SELECT * FROM jobs")).one()
        assert cancel(conn, job_id, "support:mo")
        assert conn.execute(text("SELECT * FROM jobs")).one() == before
    assert len(events(engine, job_id)) == 3


@pytest.mark.parametrize("outcome", OUTCOMES, ids=str)
def test_the_cancel_wins_as_soon_as_any_response_arrives(engine: Engine, world: World, outcome: o.Outcome) -> None:
    """No retry, wait or claim comes first: the limiter may not admit a claim for hours."""
    with engine.begin() as conn:
        job_id = make_job(conn, world, credits=5)
        record(conn, [begin_of(claimed(conn, job_id))])
        cancel(conn, job_id, "api")
        child = make_job(conn, world, State.WAITING, kind=Kind.SCENE, parent_id=job_id)
        recorded = record(conn, [replace(move_of(claimed(conn, job_id), outcome), lease_for=timedelta(minutes=1))])
        assert not recorded.moved[job_id].is_leased
        assert recorded.relatives == {job_id, child}
        assert set(conn.scalars(text("SELECT state FROM jobs WHERE due_at <= diorama_now()"))) == {"compensating"}
    assert events(engine, job_id)[-1] == ("cancel_executed", "compensating", "worker")
    assert_sound(engine)


def test_workers_get_a_hint_at_once_after_the_response_to_a_canceled_call(engine: Engine, world: World) -> None:
    """Its next poll would be in ten minutes, and the cancel must not wait for it."""
    hinted: list[set[Step]] = []

    class RecordingHinter(Hinter):
        def hint(self, steps: object, ids: object) -> None:
            hinted.append(set(steps))  # type: ignore[call-overload]

    hinter = RecordingHinter(engine)
    recorder = Recorder(engine, hinter)
    job_id = submitting(engine, world)
    with engine.begin() as conn:
        cancel(conn, job_id, "api")
        job = claimed(conn, job_id)
    assert recorder.record_now(move_of(job, o.Accepted("p", 600.0)))
    recorder.close()
    hinter.close()
    assert hinted == [{Step.SUBMIT, Step.COMPENSATE}]


def test_undoing_a_canceled_job_keeps_its_waits(engine: Engine, world: World, store: S3Store) -> None:
    """Otherwise a short outage of the provider would use up every try."""
    undoing = Undoing(engine, store, ScriptedProvider(fails=1))
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING)
        cancel(conn, job_id, "api")
    assert undoing.undo(job_id) == "compensating"
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT due_at > diorama_now() + interval '4 seconds' FROM jobs"))


def unknown_at_first(engine: Engine, world: World, *, age_s: int) -> UUID:
    """Return a canceled job whose submission began `age_s` ago."""
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING)
        cancel(conn, job_id, "api")
        conn.execute(text("UPDATE attempts SET started_at = started_at - make_interval(secs => :by)"), {"by": age_s})
    return job_id


def due_in_s(engine: Engine) -> float:
    with engine.connect() as conn:
        wait = text("SELECT extract(epoch FROM due_at - at) FROM job_events ORDER BY seq DESC LIMIT 1")
        return float(conn.scalar(wait) or 0)


@pytest.mark.parametrize(("age_s", "at_least_s", "at_most_s"), [(0, 5, 10), (60, 4.9, 5)], ids=["young", "old"])
def test_a_cancel_that_finds_no_prediction_is_repeated_before_it_is_believed(
    engine: Engine, world: World, store: S3Store, age_s: int, at_least_s: float, at_most_s: float
) -> None:
    """The prediction may not have reached every server of the provider yet, and would go on running."""
    undoing = Undoing(engine, store, ScriptedProvider(unknown=1))
    job_id = unknown_at_first(engine, world, age_s=age_s)
    assert undoing.undo(job_id) == "compensating"
    assert at_least_s < due_in_s(engine) <= at_most_s
    assert undoing.undo(job_id) == "canceled"
    assert len(undoing.provider.canceled) == 1


def test_a_prediction_that_stays_unknown_counts_as_paid_for(engine: Engine, world: World, store: S3Store) -> None:
    undoing = Undoing(engine, store, ScriptedProvider(unknown=99))
    job_id = unknown_at_first(engine, world, age_s=60)
    assert [undoing.undo(job_id) for _ in range(2)] == ["compensating", "canceled"]
    with engine.connect() as conn:
        of_job, of_attempt = conn.execute(text("SELECT j.cost_micros, a.cost_micros FROM jobs j, attempts a")).one()
    assert of_job == of_attempt > 0


def test_a_throttled_cancel_waits_as_requested_and_does_not_count_as_a_try(
    engine: Engine, world: World, store: S3Store
) -> None:
    undoing = Undoing(engine, store, ScriptedProvider(throttles=TRIES_MAX))
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.GENERATING)
        cancel(conn, job_id, "api")
    for _ in range(TRIES_MAX):
        assert undoing.undo(job_id) == "compensating"
        assert 5 < due_in_s(engine) <= 7
    assert undoing.undo(job_id) == "canceled"
    assert undoing.actions(job_id)["cancel_prediction"] == "done"


def lost(engine: Engine, world: World) -> UUID:
    """Return a canceled job whose submission was lost."""
    with engine.begin() as conn:
        cancel(conn, job_id := make_job(conn, world, State.RECONCILING), "api")
        return job_id


def test_a_lost_submission_of_a_canceled_job_is_canceled_at_the_provider_at_once(
    engine: Engine, world: World, store: S3Store
) -> None:
    undoing = Undoing(engine, store, SearchedProvider())
    job_id = lost(engine, world)
    assert undoing.undo(job_id) == "canceled"
    assert undoing.provider.canceled == ["found"]
    with engine.connect() as conn:
        status = conn.scalar(text("SELECT status FROM attempts"))
    assert status == "lost", "the orphan search books what it cost"


def test_it_is_searched_for_until_the_list_can_be_believed(engine: Engine, world: World, store: S3Store) -> None:
    provider = SearchedProvider(shows_at=2)
    undoing = Undoing(engine, store, provider)
    job_id = lost(engine, world)
    assert undoing.undo(job_id) == "compensating"
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT due_at BETWEEN now() AND now() + interval '6 seconds' FROM jobs"))
    assert undoing.undo(job_id) == "canceled"
    assert provider.canceled == ["found"]


@pytest.mark.parametrize(
    ("is_listed", "age", "result"),
    [
        (True, timedelta(minutes=1), "it was never taken"),
        (True, timedelta(minutes=56), "could not say"),  # its correlation ids may be gone
        (False, timedelta(minutes=1), "could not say"),
    ],
)
def test_a_prediction_not_found_is_left_to_the_orphan_search_and_the_job_ends(
    engine: Engine, world: World, store: S3Store, is_listed: bool, age: timedelta, result: str
) -> None:
    provider = SearchedProvider(shows_at=99, is_listed=is_listed)
    undoing = Undoing(engine, store, provider)
    job_id = lost(engine, world)
    with engine.begin() as conn:
        conn.execute(text("UPDATE attempts SET started_at = started_at - :age"), {"age": age})
    assert undoing.undo(job_id) == "canceled"
    with engine.connect() as conn:
        assert result in conn.scalar(text("SELECT result FROM compensation_actions WHERE action = 'cancel_prediction'"))
    assert (provider.canceled, undoing.actions(job_id)["cancel_prediction"]) == ([], "done")


def test_the_rescue_carries_out_the_cancel_of_a_vanished_worker(
    engine: Engine, world: World, store: S3Store, hinter: Hinter
) -> None:
    """The response will never come: the rescue records it as lost, and the job is compensated."""
    undoing = Undoing(engine, store, SearchedProvider())
    job_id = submitting(engine, world)
    with engine.begin() as conn:
        cancel(conn, job_id, "api")
    with engine.begin() as conn:
        claim = claimed(conn, job_id).claim
    undoing.interrupt(claim, hinter)
    assert [event for event, *_ in events(engine, job_id)][2:] == [
        "cancel_requested",
        "outcome_lost",
        "cancel_executed",
    ]
    assert undoing.undo(job_id) == "canceled"
    assert undoing.provider.canceled == ["found"]


@pytest.mark.parametrize("lasts", [timedelta(minutes=1), timedelta(0)], ids=["a live worker", "a dead worker"])
@pytest.mark.parametrize("state", [State.QUEUED, State.RECONCILING, State.GENERATING, State.STORING, State.TRANSCODING])
def test_a_cancel_fences_off_the_worker_and_the_next_claim_compensates(
    engine: Engine, world: World, state: State, lasts: timedelta
) -> None:
    with engine.begin() as conn:
        job_id = make_job(conn, world, state)
        job = claimed(conn, job_id, lasts=lasts)
        assert cancel(conn, job_id, "api")
        late = begin_of(job) if state is State.QUEUED else move_of(job, o.StepFailed(TRANSIENT))
        assert not record(conn, [late]).moved
        due = claim_due(conn, Step.COMPENSATE, worker="next", limit=9, lease_for=timedelta(minutes=1))
        assert [(each.id, each.state) for each in due] == [(job_id, State.COMPENSATING)]
    assert_sound(engine)


def test_a_response_that_waits_for_a_cancel_to_commit_executes_it(engine: Engine, world: World) -> None:
    job_id = submitting(engine, world)
    with engine.begin() as conn:
        accepted = move_of(claimed(conn, job_id), o.Accepted("p", 600.0))

    def recorded() -> frozenset[UUID]:
        with engine.begin() as conn:
            return record(conn, [accepted]).relatives

    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as canceling:
            cancel(canceling, job_id, "api")
            response = pool.submit(recorded)
            eventually(lambda: waiting_for_locks(engine))
        assert response.result() == {job_id}
    assert [event for event, *_ in events(engine, job_id)][-3:] == ["cancel_requested", "accepted", "cancel_executed"]
    assert_sound(engine)
