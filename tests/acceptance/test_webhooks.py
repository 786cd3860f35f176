"""Webhooks from the simulator to a real API process: they make jobs faster and cheaper, but no job depends on them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from diorama.tuning import Tuning
from tests.support.eventually import eventually
from tests.support.invariants import assert_attempts_add_up, assert_sound
from tests.support.system import System
from tests.support.tuned import QUICK

pytestmark = pytest.mark.faults

# Longer than any test waits: only a webhook can make a job continue.
NEVER_S = 600.0


def unnotified(seconds: float) -> Tuning:
    """Return constants with which a prediction without a webhook is polled after this many seconds at the latest."""
    return replace(QUICK, polling=replace(QUICK.polling, unreported_most_s=seconds))


@pytest.fixture
def notified(system: System) -> System:
    """Return a system whose API receives webhooks and whose workers request them, and hardly ever poll."""
    system.processes.environment |= {"PUBLIC_URL": "http://127.0.0.1"}
    system.processes.tuning = unnotified(NEVER_S)
    system.processes.environment["PUBLIC_URL"] = system.processes.start_api()
    return system


def counted(system: System, kind: str) -> dict[str, int]:
    counts: dict[str, int] = system.control.counters()[kind]
    return counts


def recorded_effects(system: System) -> list[str]:
    with system.engine.connect() as conn:
        return list(conn.scalars(text("SELECT effect FROM provider_webhooks")))


def test_a_job_needs_no_read_when_webhooks_report_its_end(notified: System) -> None:
    jobs = [notified.ask_for_avatar(str(number)) for number in range(8)]
    notified.start_worker()
    for job_id in jobs:
        notified.wait_for(job_id, "succeeded")
    requests = counted(notified, "requests")
    assert requests["models.predictions.create"] == len(jobs)
    assert not {"predictions.get", "predictions.list"} & requests.keys()
    assert_sound(notified.engine)
    assert_attempts_add_up(notified.engine)


def test_a_submission_whose_response_was_lost_is_adopted_without_reading_the_list(notified: System) -> None:
    notified.fault("reset_after_accept", operation="predictions.create", count=1)
    job_id = notified.ask_for_avatar()
    notified.start_worker()
    notified.wait_for(job_id, "succeeded")
    assert "orphan_found" in notified.events(job_id)
    assert notified.creates() == 1
    assert "predictions.list" not in counted(notified, "requests")
    assert_attempts_add_up(notified.engine)


def test_the_prediction_of_a_worker_that_died_after_its_call_is_found_by_its_webhook(notified: System) -> None:
    notified.fault("hang_after_accept", operation="predictions.create", count=1)
    job_id = notified.ask_for_avatar()
    worker = notified.start_worker(PROVIDER_TIMEOUT_S="30")
    eventually(lambda: "noted" in recorded_effects(notified))
    worker.kill()
    # The lease of a submission is long, and not what is tested here: let it expire now.
    with notified.engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET lease_expires_at = diorama_now() WHERE id = :id"), {"id": job_id})
    notified.start_worker()
    notified.wait_for(job_id, "succeeded")
    assert notified.creates() == 1
    assert "predictions.list" not in counted(notified, "requests")


DISTURBED: dict[str, tuple[str, dict[str, Any]]] = {
    "late": ("delay_webhook", {"seconds": 0.5}),
    "twice": ("duplicate_webhook", {"copies": 3}),
    "out of order": ("reorder_webhooks", {}),
    "unsigned": ("unsigned_webhook", {}),
    "forged": ("forge_webhook", {}),
    "too old": ("backdate_webhook", {}),
    "not at all": ("lose_webhook", {}),
    "only the last one": ("lose_webhook", {"events": ["start"]}),
}


def test_a_job_succeeds_and_is_paid_for_once_however_its_webhooks_arrive(notified: System) -> None:
    notified.start_worker(unnotified(2.0))
    for name, (action, options) in DISTURBED.items():
        notified.fault(action, options=options)
        job_id = notified.ask_for_avatar(name)
        notified.wait_for(job_id, "succeeded")
        notified.control.calm()
        assert notified.events(job_id).count("succeeded") <= 1
    assert notified.creates() == len(DISTURBED)
    # Two webhooks of each of the three jobs whose webhooks had no valid or recent signature.
    eventually(lambda: counted(notified, "webhooks").get("refused", 0) >= 6)
    assert counted(notified, "webhooks")["lost"] == 3
    assert_sound(notified.engine)
    assert_attempts_add_up(notified.engine)
