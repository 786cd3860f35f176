"""What workers leave in the store when their job moves on without them."""

from __future__ import annotations

import threading
from datetime import timedelta
from importlib import import_module
from uuid import UUID

import pytest

from db.moves import cancel
from statemachine.states import State
from tests.crashes.lab import Killed, Lab, Trap, plain_avatar
from tests.crashes.points import Fault
from tests.eventually import eventually
from tests.factories import make_job, make_world
from tests.invariants import assert_sound


@pytest.fixture
def lab(one_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(import_module("jobs.steps.transcode"), "normalise_avatar", plain_avatar)
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
def test_a_zombie_takes_back_what_it_wrote_for_a_canceled_job(lab: Lab, state: State, step: str, place: str) -> None:
    job_id = job_in(lab, state)
    trap = Trap(f"{step}: {place}", Fault.FROZEN)
    zombie = lab.worker(trap)
    thread = threading.Thread(target=zombie.work_once, daemon=True)
    thread.start()
    assert trap.reached.wait(20)
    if place == "before the commit":
        lab.cut(zombie.name)
    with lab.engine.begin() as conn:
        assert cancel(conn, job_id, "api")
    lab.drive(job_id, State.CANCELED)
    trap.thawed.set()
    thread.join(30)
    eventually(lambda: lab.names_of_objects(job_id) == [])
    eventually(lambda: not any(each.name == "tidying" for each in threading.enumerate()))
    zombie.close()
    assert lab.names_of_objects(job_id) == []
    assert_sound(lab.engine)


def test_a_copy_whose_worker_died_is_used_when_the_providers_own_has_vanished(lab: Lab) -> None:
    """It has been paid for, and would lie about without a row otherwise."""
    job_id = job_in(lab, State.STORING)
    victim = lab.worker(Trap("store: after the object was written", Fault.KILLED))
    with pytest.raises(Killed):
        victim.work_once()
    victim.close()
    lab.provider.gone.update(f"memory://{id_}/out.png" for id_ in lab.provider.booked)
    lab.drive(job_id, State.SUCCEEDED)
    assert len(lab.provider.booked) == 1
    assert lab.names_of_objects(job_id) == ["1/avatar.png", "1/source.png"]


def test_what_was_copied_and_is_gone_from_the_store_is_made_again(lab: Lab) -> None:
    """Waiting for it would keep its owner waiting until the deadline."""
    job_id = job_in(lab, State.TRANSCODING)
    lab.objects.clear()
    lab.drive(job_id, State.SUCCEEDED)
    assert lab.events(job_id).count("output_invalid") == 1
    assert len(lab.provider.booked) == 2
    assert lab.names_of_objects(job_id) == ["2/avatar.png", "2/source.png"]


def test_a_prediction_that_outlives_its_limit_is_canceled_before_another_is_paid_for(lab: Lab) -> None:
    lab.provider.ends_as = "processing"
    job_id = job_in(lab, State.GENERATING)
    lab.move_clock(timedelta(hours=1))
    lab.drive(job_id, State.QUEUED)
    assert [booked.prediction.status for booked in lab.provider.booked.values()] == ["canceled"]
    assert lab.row(job_id).cost_micros > 0
    lab.provider.ends_as = "succeeded"
    lab.drive(job_id, State.SUCCEEDED)
    assert len(lab.provider.booked) == 2


def test_without_a_copy_what_vanished_is_made_again(lab: Lab) -> None:
    job_id = job_in(lab, State.STORING)
    lab.provider.gone.update(f"memory://{id_}/out.png" for id_ in lab.provider.booked)
    lab.drive(job_id, State.SUCCEEDED)
    assert len(lab.provider.booked) == 2
    assert lab.names_of_objects(job_id) == ["2/avatar.png", "2/source.png"]
