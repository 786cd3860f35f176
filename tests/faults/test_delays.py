"""A worker that was delayed between its intent and its call does not pay when too little of its lease is left."""

from __future__ import annotations

from sqlalchemy import text

from jobs.engine.lease_times import Leases
from statemachine.vocabulary import State
from tests.faults.lab import Lab
from tests.faults.traps import Trap
from tests.support.factories import make_job, make_world


class Sleep(Trap):
    """Makes the worker's machine sleep for a while, once, just before the provider is called."""

    def __init__(self, for_s: float) -> None:
        super().__init__()
        self._for_s = for_s

    def reach(self, point: str) -> None:
        if point == "submit: before the provider is called":
            self.slept_s, self._for_s = self._for_s, 0.0


def test_a_worker_with_too_little_lease_left_for_a_response_does_not_pay(one_lab: Lab) -> None:
    """Nothing was sent, and the provider did not fail: the job loses no retry and has nothing to search for."""
    one_lab.renew()
    with one_lab.engine.begin() as conn:
        job_id = make_job(conn, make_world(conn))
    worker = one_lab.worker(Sleep(Leases().usual.total_seconds()))
    one_lab.let_time_pass()
    worker.work_once()
    worker.close()
    assert one_lab.provider.booked == {}
    assert one_lab.events(job_id) == ["requested", "submit_started", "refused"]
    row = one_lab.row(job_id)
    assert (row.state, row.failures, row.accepted) == ("queued", 0, 0)
    with one_lab.engine.connect() as conn:
        attempt = conn.execute(
            text("SELECT status, error_detail FROM attempts WHERE job_id = :id"), {"id": job_id}
        ).one()
    assert attempt.status == "refused"
    assert "nothing was sent" in attempt.error_detail


def test_a_worker_with_enough_lease_left_pays_in_spite_of_a_delay(one_lab: Lab) -> None:
    one_lab.renew()
    with one_lab.engine.begin() as conn:
        job_id = make_job(conn, make_world(conn))
    worker = one_lab.worker(Sleep(Leases().usual.total_seconds() - 20))
    one_lab.let_time_pass()
    worker.work_once()
    worker.close()
    assert one_lab.state(job_id) is State.GENERATING
    assert len(one_lab.provider.booked) == 1
