"""Objects and predictions of workers whose jobs moved on without them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from db.engine.commands import cancel
from db.engine.recording import record
from jobs.support.redriving import retry_job
from statemachine import outcomes as o
from statemachine.vocabulary import ErrorCode, State
from tests.faults.lab import Lab
from tests.faults.points import Fault
from tests.faults.traps import Killed, Trap
from tests.support.eventually import eventually, scaled
from tests.support.factories import claimed, make_job, make_world, move_of
from tests.support.invariants import assert_attempts_add_up, assert_sound
from tests.support.plain_media import finished_objects, without_media_work
from tests.support.principals import SUPPORT

BROKEN = o.Failure(ErrorCode.INTERNAL, "It broke.", o.RetryPolicy.NEVER, "a bug")


@pytest.fixture
def lab(one_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    without_media_work(monkeypatch)
    one_lab.renew()
    return one_lab


def job_in(lab: Lab, state: State) -> UUID:
    with lab.engine.begin() as conn:
        job_id = make_job(conn, make_world(conn))
    lab.drive(job_id, state)
    lab.let_time_pass()
    return job_id


@pytest.mark.parametrize(("state", "step"), [(State.STORING, "store"), (State.TRANSCODING, "transcode")])
@pytest.mark.parametrize("place", ["before the object is written", "after the object was written", "before the commit"])
def test_a_zombie_deletes_what_it_wrote_for_a_canceled_job(lab: Lab, state: State, step: str, place: str) -> None:
    job_id = job_in(lab, state)
    trap = Trap(f"{step}: {place}", Fault.FROZEN)
    zombie = lab.worker(trap)
    thread = threading.Thread(target=zombie.work_once, daemon=True)
    thread.start()
    assert trap.reached.wait(scaled(20))
    if place == "before the commit":
        lab.cut(zombie.name)
    with lab.engine.begin() as conn:
        assert cancel(conn, job_id, "api")
    lab.drive(job_id, State.CANCELED)
    trap.thawed.set()
    thread.join(scaled(30))
    eventually(lambda: lab.names_of_objects(job_id) == [])
    eventually(lambda: not any(each.name == "tidying" for each in threading.enumerate()))
    zombie.close()
    assert lab.names_of_objects(job_id) == []
    assert_sound(lab.engine)


def cancel_job(lab: Lab, job_id: UUID) -> None:
    """Cancel a job. Nothing of it is kept: a retry begins with a new submission."""
    with lab.engine.begin() as conn:
        assert cancel(conn, job_id, "api")


def fail_job(lab: Lab, job_id: UUID) -> None:
    """Fail a job. Its source is kept: a retry continues from there and writes under the same keys."""
    lab.objects[f"jobs/{job_id}/1/avatar.png"] = b"half"
    with lab.engine.begin() as conn:
        record(conn, [move_of(claimed(conn, job_id), o.StepFailed(BROKEN))])
    lab.let_time_pass()


@pytest.mark.parametrize(
    ("state", "end", "place", "attempt"),
    [
        (State.GENERATING, cancel_job, "after the provider was called", 2),
        (State.TRANSCODING, fail_job, "before the objects are deleted", 1),
    ],
    ids=["canceled", "failed"],
)
def test_a_zombie_that_undid_a_job_deletes_nothing_of_its_later_success(
    lab: Lab, state: State, end: Callable[[Lab, UUID], None], place: str, attempt: int
) -> None:
    """Meanwhile another worker has undone the job, support has redriven it, and it has succeeded."""
    lab.provider.ends_as = "processing" if state is State.GENERATING else "succeeded"
    job_id = job_in(lab, state)
    end(lab, job_id)
    trap = Trap(f"compensate: {place}", Fault.FROZEN)
    zombie = lab.worker(trap)
    thread = threading.Thread(target=zombie.work_once, daemon=True)
    thread.start()
    assert trap.reached.wait(scaled(20))
    # Postgres itself ends an idle transaction, and with it the lock on the job, after a while.
    lab.cut(zombie.name)
    lab.drive(job_id, State.CANCELED, State.FAILED)
    lab.provider.ends_as = "succeeded"
    with lab.engine.begin() as conn:
        retry_job(conn, SUPPORT, job_id)
    lab.drive(job_id, State.SUCCEEDED)
    before = lab.row(job_id)
    trap.thawed.set()
    thread.join(scaled(30))
    zombie.close()
    assert lab.row(job_id) == before
    assert lab.names_of_objects(job_id) == finished_objects(attempt)
    assert_sound(lab.engine)


def test_the_copy_of_a_dead_worker_is_used_when_the_providers_output_is_gone(lab: Lab) -> None:
    """It is paid for, and would otherwise be left without a row."""
    job_id = job_in(lab, State.STORING)
    victim = lab.worker(Trap("store: after the object was written", Fault.KILLED))
    with pytest.raises(Killed):
        victim.work_once()
    victim.close()
    lab.provider.gone.update(f"memory://{id_}/out.png" for id_ in lab.provider.booked)
    lab.drive(job_id, State.SUCCEEDED)
    assert len(lab.provider.booked) == 1
    assert lab.names_of_objects(job_id) == finished_objects(1)


def test_a_source_that_is_gone_from_the_store_is_made_again(lab: Lab) -> None:
    """Otherwise the job would wait for it until its deadline."""
    job_id = job_in(lab, State.TRANSCODING)
    lab.objects.clear()
    lab.drive(job_id, State.SUCCEEDED)
    assert lab.events(job_id).count("output_invalid") == 1
    assert len(lab.provider.booked) == 2
    assert lab.names_of_objects(job_id) == finished_objects(2)


def test_a_prediction_that_outlives_its_limit_is_canceled_before_the_next_one(lab: Lab) -> None:
    lab.provider.ends_as = "processing"
    job_id = job_in(lab, State.GENERATING)
    lab.move_clock(timedelta(hours=1))
    lab.drive(job_id, State.QUEUED)
    assert [booked.prediction.status for booked in lab.provider.booked.values()] == ["canceled"]
    assert lab.row(job_id).cost_micros > 0
    lab.provider.ends_as = "succeeded"
    lab.drive(job_id, State.SUCCEEDED)
    assert len(lab.provider.booked) == 2


@pytest.mark.parametrize("stops", [True, False])
def test_the_orphan_search_stops_and_books_what_could_not_be_canceled(lab: Lab, stops: bool) -> None:
    """Support was notified, but may take a day; after an hour the prediction is booked as paid, stopped or not."""
    lab.provider.ends_as = "processing"
    job_id = job_in(lab, State.GENERATING)
    cancel_job(lab, job_id)
    lab.provider.cancels = False
    lab.drive(job_id, State.CANCELED)
    lab.healthy.search_orphans()
    assert (attempt_of(lab, job_id).status, lab.row(job_id).cost_micros) == ("running", 0)
    lab.provider.cancels = stops
    if not stops:
        lab.move_clock(timedelta(hours=1))
    for _ in range(2):
        lab.healthy.search_orphans()
        attempt = attempt_of(lab, job_id)
        assert attempt.status == "canceled"
        assert attempt.completed_at is not None
        assert lab.row(job_id).cost_micros == attempt.cost_micros == attempt.reserved_micros
    assert_attempts_add_up(lab.engine)


def attempt_of(lab: Lab, job_id: UUID) -> Any:
    with lab.engine.connect() as conn:
        return conn.execute(text("SELECT * FROM attempts WHERE job_id = :id"), {"id": job_id}).one()


def test_an_output_that_is_gone_before_it_was_copied_is_made_again(lab: Lab) -> None:
    job_id = job_in(lab, State.STORING)
    lab.provider.gone.update(f"memory://{id_}/out.png" for id_ in lab.provider.booked)
    lab.drive(job_id, State.SUCCEEDED)
    assert len(lab.provider.booked) == 2
    assert lab.names_of_objects(job_id) == finished_objects(2)
