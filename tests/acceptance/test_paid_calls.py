"""A paid call is made once, or the ledger says why not: answers that get lost, orphans that come late, and the cap."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from tests.acceptance.workers import Site
from tests.eventually import eventually
from tests.invariants import assert_attempts_add_up, assert_sound

QUICK = {"PROVIDER_RECONCILE_S": "1", "PROVIDER_SWEEP_S": "1", "PROVIDER_LIST_SETTLES_S": "0"}


def attempts(site: Site, job_id: UUID) -> list[Any]:
    with site.engine.connect() as conn:
        return list(
            conn.execute(text("SELECT * FROM attempts WHERE job_id = :id ORDER BY attempt"), {"id": job_id}).all()
        )


def test_a_paid_call_whose_answer_was_lost_is_found_and_paid_for_once(site: Site) -> None:
    site.fault("reset_after_accept", operation="predictions.create", count=1)
    job_id = site.ask_for_avatar()
    site.start_worker()
    site.wait_for(job_id, "succeeded")
    assert site.creates() == 1
    assert site.events(job_id)[1:4] == ["submit_started", "outcome_lost", "orphan_found"]
    assert [row.status for row in attempts(site, job_id)] == ["succeeded"]
    assert_sound(site.engine)
    assert_attempts_add_up(site.engine)


def test_an_orphan_that_comes_late_is_canceled_and_booked(site: Site) -> None:
    """The list did not show it in time, so it was paid for again: the first one is a duplicate."""
    site.fault("list_late", count=1, options={"seconds": 8})
    site.fault("slow_run", count=1, options={"factor": 100})
    site.fault("reset_after_accept", operation="predictions.create", count=1)
    job_id = site.ask_for_avatar()
    site.start_worker(**QUICK)
    site.wait_for(job_id, "succeeded")
    assert site.creates() == 2
    eventually(lambda: [row.status for row in attempts(site, job_id)] == ["duplicate", "succeeded"])
    duplicate, _ = attempts(site, job_id)
    assert duplicate.cost_micros == duplicate.reserved_micros
    assert duplicate.completed_at is not None
    job = site.row(job_id)
    assert job.cost_micros == sum(row.cost_micros for row in attempts(site, job_id))
    assert_sound(site.engine)
    assert_attempts_add_up(site.engine)


def test_while_the_list_is_out_of_order_a_job_pays_again_only_within_its_cap(site: Site) -> None:
    site.fault("error_after_accept", operation="predictions.create")
    site.fault("server_error", operation="predictions.list")
    job_id = site.ask_for_avatar()
    site.start_worker(**QUICK, JOB_SPEND_CAP_MICROS="100000")
    site.wait_for(job_id, "failed")
    assert site.creates() == 2
    assert [row.status for row in attempts(site, job_id)] == ["lost", "lost"]
    assert sum(row.reserved_micros for row in attempts(site, job_id)) <= 100_000
    httpx.delete(f"{site.simulator.api_url}/_simulator/faults").raise_for_status()
    # Once the list is back, everything that was spent is in the ledger.
    eventually(lambda: [row.status for row in attempts(site, job_id)] == ["duplicate", "duplicate"])
    assert site.row(job_id).cost_micros == sum(row.cost_micros for row in attempts(site, job_id)) > 0
    assert_sound(site.engine)
