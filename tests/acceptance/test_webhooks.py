"""Webhooks from the simulator to a real API process: they make jobs fast and cheap, and nothing depends on them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from diorama.tuning import Tuning
from tests.support.eventually import eventually
from tests.support.invariants import assert_attempts_add_up, assert_sound
from tests.support.system import System
from tests.support.tuned import QUICK

# Longer than any test waits: a job that gets on was told of.
NEVER_S = 600.0


def unnotified(seconds: float) -> Tuning:
    """Return constants with which a prediction is polled after so many seconds without a webhook, at the latest."""
    return replace(QUICK, polling=replace(QUICK.polling, unreported_most_s=seconds))


@pytest.fixture
def told(system: System) -> System:
    """A system whose API takes webhooks and whose workers ask for them, and look by themselves almost never."""
    system.environment |= {"PUBLIC_URL": "http://127.0.0.1"}
    system.tuning = unnotified(NEVER_S)
    system.environment["PUBLIC_URL"] = system.start_api()
    return system


def counted(system: System, kind: str) -> dict[str, int]:
    url = f"{system.simulator.api_url}/_simulator/counters"
    counts: dict[str, int] = httpx.get(url).raise_for_status().json()[kind]
    return counts


def effects(system: System) -> list[str]:
    with system.engine.connect() as conn:
        return list(conn.scalars(text("SELECT effect FROM provider_webhooks")))


def test_a_job_costs_no_read_where_webhooks_report_its_end(told: System) -> None:
    jobs = [told.ask_for_avatar(str(number)) for number in range(8)]
    told.start_worker()
    for job_id in jobs:
        told.wait_for(job_id, "succeeded")
    requests = counted(told, "requests")
    assert requests["models.predictions.create"] == len(jobs)
    assert not {"predictions.get", "predictions.list"} & requests.keys()
    assert_sound(told.engine)
    assert_attempts_add_up(told.engine)


def test_a_submission_whose_answer_was_lost_is_adopted_without_asking_the_list(told: System) -> None:
    told.fault("reset_after_accept", operation="predictions.create", count=1)
    job_id = told.ask_for_avatar()
    told.start_worker()
    told.wait_for(job_id, "succeeded")
    assert "orphan_found" in told.events(job_id)
    assert told.creates() == 1
    assert "predictions.list" not in counted(told, "requests")
    assert_attempts_add_up(told.engine)


def test_a_worker_that_died_after_its_call_leaves_a_prediction_that_the_webhook_names(told: System) -> None:
    told.fault("hang_after_accept", operation="predictions.create", count=1)
    job_id = told.ask_for_avatar()
    worker = told.start_worker(PROVIDER_TIMEOUT_S="30")
    eventually(lambda: "noted" in effects(told))
    worker.kill()
    # What it held is for others only after the lease of a submission has ended; that is not what is tested here.
    with told.engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET lease_expires_at = diorama_now() WHERE id = :id"), {"id": job_id})
    told.start_worker()
    told.wait_for(job_id, "succeeded")
    assert told.creates() == 1
    assert "predictions.list" not in counted(told, "requests")


DISTURBED: dict[str, tuple[str, dict[str, Any]]] = {
    "late": ("delay_webhook", {"seconds": 0.5}),
    "twice": ("duplicate_webhook", {"copies": 3}),
    "in another order": ("reorder_webhooks", {}),
    "unsigned": ("unsigned_webhook", {}),
    "forged": ("forge_webhook", {}),
    "too old": ("backdate_webhook", {}),
    "not at all": ("lose_webhook", {}),
    "the last one alone": ("lose_webhook", {"events": ["start"]}),
}


def test_a_job_succeeds_and_is_paid_for_once_however_its_webhooks_come(told: System) -> None:
    told.start_worker(unnotified(2.0))
    for name, (action, options) in DISTURBED.items():
        told.fault(action, options=options)
        job_id = told.ask_for_avatar(name)
        told.wait_for(job_id, "succeeded")
        told.calm()
        assert told.events(job_id).count("succeeded") <= 1
    assert told.creates() == len(DISTURBED)
    # Two messages of each of the three jobs whose messages were not signed by the provider just now.
    eventually(lambda: counted(told, "webhooks").get("refused", 0) >= 6)
    assert counted(told, "webhooks")["lost"] == 3
    assert_sound(told.engine)
    assert_attempts_add_up(told.engine)
