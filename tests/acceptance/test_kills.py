"""A worker that is killed in the middle of any step loses nothing: another worker finishes the job, with one result.

`make test-faults` kills real processes here; in `make test`, `tests/faults` kills workers in its own process at every
boundary.
"""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from db.engine.commands import cancel
from diorama.embedded import ServerProcess
from tests.support.eventually import eventually
from tests.support.invariants import assert_attempts_add_up, assert_sound
from tests.support.pictures import finished_objects
from tests.support.system import System

pytestmark = pytest.mark.faults

DONE = finished_objects(1)


def finish(system: System, job_id: object) -> None:
    """Let another worker finish the job, and check the result."""
    system.start_worker()
    system.wait_for(job_id, "succeeded")  # type: ignore[arg-type]
    assert_sound(system.engine)
    assert_attempts_add_up(system.engine)


def kill_in(system: System, worker: ServerProcess, job_id: UUID, state: str) -> None:
    """Kill the only worker while it works on the job in this state."""
    system.wait_for(job_id, state, claimed=True)
    worker.kill()
    assert system.is_left_in(job_id, state), f"the job was no longer {state} when its worker was killed"


def test_killed_while_the_response_to_the_paid_call_was_on_its_way(system: System) -> None:
    """The provider accepted the job, but no worker saw its response: it is found by its token, and paid for once."""
    system.fault("hang_after_accept", operation="predictions.create", count=1)
    job_id = system.ask_for_avatar()
    worker = system.start_worker()
    eventually(lambda: system.creates() == 1)
    kill_in(system, worker, job_id, "submitting")
    finish(system, job_id)
    assert system.creates() == 1
    assert system.progress(job_id)[1:5] == ["submit_started", "outcome_lost", "orphan_found", "output_ready"]
    assert system.objects(job_id) == DONE


def test_killed_before_the_provider_accepted_the_job(system: System) -> None:
    """The provider provably never saw it, so it is submitted again."""
    system.fault("hang_before_accept", operation="predictions.create", count=1)
    job_id = system.ask_for_avatar()
    worker = system.start_worker()
    eventually(lambda: _fired(system, "hang_before_accept") == 1)
    kill_in(system, worker, job_id, "submitting")
    finish(system, job_id)
    assert system.creates() == 1
    assert "orphan_absent" in system.events(job_id)
    assert system.objects(job_id) == finished_objects(2)


def test_killed_while_polling(system: System) -> None:
    system.fault("stall", operation="predictions.get", count=1, options={"seconds": 5})
    job_id = system.ask_for_avatar()
    worker = system.start_worker()
    kill_in(system, worker, job_id, "generating")
    finish(system, job_id)
    assert system.creates() == 1
    assert system.objects(job_id) == DONE


def test_killed_while_storing(system: System) -> None:
    system.fault("slow_body", listener="delivery", count=1, options={"seconds": 5})
    job_id = system.ask_for_avatar()
    worker = system.start_worker()
    kill_in(system, worker, job_id, "storing")
    finish(system, job_id)
    assert system.creates() == 1
    assert system.objects(job_id) == DONE


def test_killed_while_transcoding(system: System) -> None:
    """This step cannot be delayed: a job may finish it before its worker is killed, and then another job is tried."""
    for number in range(1, 6):
        job_id = system.ask_for_avatar(f"avatar-{number}")
        worker = system.start_worker()
        system.wait_for(job_id, "transcoding", claimed=True)
        worker.kill()
        if system.is_left_in(job_id, "transcoding"):
            break
    else:
        raise AssertionError("no worker was killed while it was transcoding")
    finish(system, job_id)
    assert system.creates() == number
    assert system.objects(job_id) == DONE


def test_killed_while_compensating(system: System) -> None:
    """A canceled job ends as canceled and leaves nothing; its prediction is canceled, and its charge is booked."""
    system.fault("stick_processing")
    system.fault("stall", operation="predictions.cancel", count=1, options={"seconds": 5})
    job_id = system.ask_for_avatar()
    worker = system.start_worker()
    system.wait_for(job_id, "generating")
    with system.engine.begin() as conn:
        assert cancel(conn, job_id, "api")
    kill_in(system, worker, job_id, "compensating")
    system.start_worker()
    system.wait_for(job_id, "canceled")
    assert_sound(system.engine)
    assert system.objects(job_id) == []
    with system.engine.connect() as conn:
        prediction_id = conn.scalar(text("SELECT prediction_id FROM attempts"))
    prediction = httpx.get(
        f"{system.simulator.api_url}/v1/predictions/{prediction_id}", headers={"Authorization": "Bearer r8_test"}
    )
    assert prediction.json()["status"] == "canceled"
    bill = system.control.bill()
    assert system.row(job_id).cost_micros == round(bill["total_usd"] * 1_000_000) > 0


def test_a_stopped_worker_returns_the_claims_it_had_not_begun(system: System) -> None:
    system.fault("stall", operation="predictions.get", options={"seconds": 0.5})
    for number in range(30):
        system.ask_for_avatar(f"avatar-{number}")
    worker = system.start_worker()
    with system.engine.connect() as conn:
        eventually(lambda: conn.scalar(text("SELECT count(*) FROM jobs WHERE state = 'generating'")))
    worker.stop()
    status = worker.exit_status()
    assert status is not None
    assert status.code == 0
    with system.engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM jobs WHERE claimed_by IS NOT NULL")) == 0
        assert conn.scalar(text("SELECT count(*) FROM jobs WHERE state IN ('submitting', 'reconciling')")) == 0
        assert conn.scalar(text("SELECT max(claims) FROM jobs")) == 0
    assert_sound(system.engine)
    assert_attempts_add_up(system.engine)


def _fired(system: System, action: str) -> int:
    counters = system.control.counters()
    return int(counters["faults"].get(action, 0))
