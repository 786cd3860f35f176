"""A paid call is made once, or the ledger shows why not: lost responses, orphans found late, and the cap."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.support.eventually import eventually
from tests.support.invariants import assert_attempts_add_up, assert_sound
from tests.support.system import System
from tests.support.tuned import QUICK

pytestmark = pytest.mark.faults

HASTY = replace(
    QUICK,
    policy=replace(QUICK.policy, reconcile_for=timedelta(seconds=1)),
    orphan_search_s=1.0,
    list_settles_after_s=0.0,
)


def attempts(system: System, job_id: UUID) -> list[Any]:
    with system.engine.connect() as conn:
        return list(
            conn.execute(text("SELECT * FROM attempts WHERE job_id = :id ORDER BY attempt"), {"id": job_id}).all()
        )


def test_a_paid_call_whose_response_was_lost_is_found_and_paid_for_once(system: System) -> None:
    system.fault("reset_after_accept", operation="predictions.create", count=1)
    job_id = system.ask_for_avatar()
    system.start_worker()
    system.wait_for(job_id, "succeeded")
    assert system.creates() == 1
    assert system.progress(job_id)[1:4] == ["submit_started", "outcome_lost", "orphan_found"]
    assert [row.status for row in attempts(system, job_id)] == ["succeeded"]
    assert_sound(system.engine)
    assert_attempts_add_up(system.engine)


def test_an_orphan_that_is_found_late_is_canceled_and_booked(system: System) -> None:
    """The list did not show it in time, so the job paid again: the first prediction is a duplicate."""
    system.fault("list_late", count=1, options={"seconds": 8})
    system.fault("slow_run", count=1, options={"factor": 100})
    system.fault("reset_after_accept", operation="predictions.create", count=1)
    job_id = system.ask_for_avatar()
    system.start_worker(HASTY)
    system.wait_for(job_id, "succeeded")
    assert system.creates() == 2
    eventually(lambda: [row.status for row in attempts(system, job_id)] == ["duplicate", "succeeded"])
    duplicate, _ = attempts(system, job_id)
    assert duplicate.cost_micros == duplicate.reserved_micros
    assert duplicate.completed_at is not None
    job = system.row(job_id)
    assert job.cost_micros == sum(row.cost_micros for row in attempts(system, job_id))
    assert_sound(system.engine)
    assert_attempts_add_up(system.engine)


def test_while_the_list_fails_a_job_pays_again_only_within_its_cap(system: System) -> None:
    system.fault("error_after_accept", operation="predictions.create")
    system.fault("server_error", operation="predictions.list")
    job_id = system.ask_for_avatar()
    system.start_worker(HASTY, JOB_SPEND_CAP_MICROS="100000")
    system.wait_for(job_id, "failed")
    assert system.creates() == 2
    assert [row.status for row in attempts(system, job_id)] == ["lost", "lost"]
    assert sum(row.reserved_micros for row in attempts(system, job_id)) <= 100_000
    system.control.calm()
    # Once the list works again, everything that was spent is booked.
    eventually(lambda: [row.status for row in attempts(system, job_id)] == ["duplicate", "duplicate"])
    assert system.row(job_id).cost_micros == sum(row.cost_micros for row in attempts(system, job_id)) > 0
    assert_sound(system.engine)
