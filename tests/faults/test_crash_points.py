"""At every boundary of every step, a job survives any fault: it ends once, with exactly its own objects."""

from __future__ import annotations

import threading
from contextlib import suppress
from uuid import UUID

import pytest
from _pytest.mark import ParameterSet

from db.engine.commands import cancel
from statemachine.transitions import FINISHING
from statemachine.vocabulary import State
from tests.faults.lab import Lab, LabWorker
from tests.faults.points import CASES, PAID_LATE, Aftermath, Fault, Point
from tests.faults.traps import Killed, Trap
from tests.support.eventually import scaled
from tests.support.factories import make_job, make_world
from tests.support.fakes import lost_response
from tests.support.invariants import assert_attempts_add_up, assert_credits_add_up, assert_sound
from tests.support.plain_media import finished_objects, without_media_work

# The state of a job when the step begins.
_BEGINS_IN = {
    "claim": State.QUEUED,
    "intent": State.QUEUED,
    "submit": State.QUEUED,
    "reconcile": State.RECONCILING,
    "poll": State.GENERATING,
    "store": State.STORING,
    "transcode": State.TRANSCODING,
    "compensate": State.COMPENSATING,
}
_PLAIN = ["requested", "submit_started", "accepted", "output_ready", *(each.done for each in FINISHING)]


@pytest.fixture
def lab(one_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    # The function `transcode` hides its module of the same name.
    without_media_work(monkeypatch)
    one_lab.renew()
    return one_lab


def _case(point: Point, fault: Fault) -> ParameterSet:
    """Return a case. `make test` has every kill and lost response, and the other faults where they differ most."""
    is_usual = fault in (Fault.KILLED, Fault.RESPONSE_LOST) or point.place == "before the commit"
    is_usual = is_usual or point.name in PAID_LATE
    marks = () if is_usual else pytest.mark.faults
    return pytest.param(point, fault, marks=marks, id=f"{point.name}, {fault}")


@pytest.mark.parametrize(("point", "fault"), [_case(*case) for case in CASES])
def test_a_job_survives_any_fault_with_exactly_its_own_objects(lab: Lab, point: Point, fault: Fault) -> None:
    job_id = _job_at(lab, point)
    trap = Trap(point.name, fault)
    victim = lab.worker(trap)
    thread = threading.Thread(target=_work, args=(victim,), daemon=True)
    thread.start()
    assert trap.reached.wait(scaled(20)), f"{point.name} was never reached"
    if fault is not Fault.FROZEN:
        thread.join(scaled(30))
    elif point.locks:
        # Postgres itself ends the connection of a worker that leaves a transaction idle for too long.
        lab.cut(victim.name)
    end = State.CANCELED if point.step == "compensate" else State.SUCCEEDED
    lab.drive(job_id, end)
    before = lab.row(job_id)
    trap.thawed.set()
    thread.join(scaled(30))
    assert not thread.is_alive()
    assert lab.row(job_id) == before, "a worker that returned changed something"
    victim.close()
    _check(lab, job_id, point, fault)


def _check(lab: Lab, job_id: UUID, point: Point, fault: Fault) -> None:
    assert_sound(lab.engine)
    assert_attempts_add_up(lab.engine)
    assert_credits_add_up(lab.engine)
    paid_late = fault is Fault.FROZEN and point.name in PAID_LATE
    assert len(lab.provider.booked) == 1 + paid_late
    assert all(lab.provider.charges(token) <= 1 for token in lab.tokens(job_id))
    row = lab.row(job_id)
    expected = [] if point.step == "compensate" else finished_objects(row.attempt)
    assert lab.names_of_objects(job_id) == expected
    if fault is Fault.KILLED:
        _check_aftermath(lab.events(job_id), point)


def _check_aftermath(events: list[str], point: Point) -> None:
    """Check that the history shows what docs/guarantees.md promises after a kill."""
    match point.aftermath:
        case Aftermath.FOUND:
            assert events.count("orphan_found") == 1
        case Aftermath.ABSENT:
            assert events.count("orphan_absent") == 1
            assert events.count("submit_started") == 2
        case _:
            assert "orphan_absent" not in events
            assert events.count("submit_started") == 1
            assert events.count("outcome_lost") == (point.step == "reconcile")
            if point.step not in ("reconcile", "compensate"):
                assert events == _PLAIN


def _job_at(lab: Lab, point: Point) -> UUID:
    """Return a job that is about to begin the step of a boundary."""
    with lab.engine.begin() as conn:
        job_id = make_job(conn, make_world(conn))
    if point.step == "reconcile":
        lab.provider.responses.append(lost_response(lab.provider))
    if point.step == "compensate":
        lab.provider.ends_as = "processing"
    lab.drive(job_id, State.GENERATING if point.step == "compensate" else _BEGINS_IN[point.step])
    if point.step == "compensate":
        lab.objects[f"jobs/{job_id}/1/source.png"] = b"half"
        with lab.engine.begin() as conn:
            assert cancel(conn, job_id, "api")
    lab.let_time_pass()
    return job_id


def _work(victim: LabWorker) -> None:
    with suppress(Killed):
        victim.work_once()
