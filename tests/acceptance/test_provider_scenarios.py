"""Everything that users of Replicate complain about happens to the whole system, and each job comes to its end.

The scenarios of a table run at once under one worker: the words of each job's wish tell the simulator which faults
are meant for it. Every webhook is lost throughout, because nobody listens where they are sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from tests.acceptance.partner_view import read_as_partner, vendor_words_in
from tests.acceptance.scenarios import SCENARIOS, Scenario
from tests.support.invariants import assert_attempts_add_up, assert_credits_add_up, assert_sound
from tests.support.stocked_system import NEXT, PREFERRED, Servers, StockedSystem, wait_for_all


@dataclass
class Played:
    """A stocked system in which all scenarios were played at once, and their jobs."""

    stocked: StockedSystem
    jobs: dict[str, UUID]


@pytest.fixture(scope="module")
def played(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with servers.stocked(tmp_path_factory.mktemp("played")) as stocked:
        jobs = {}
        for number, scenario in enumerate(SCENARIOS, start=100):
            words = f"scene number {number} of the day"
            for action, rule in scenario.faults:
                stocked.fault(action, prompt=words, **rule)
            jobs[scenario.name] = stocked.ask_for_scene(words)
        with stocked.working():
            wait_for_all(stocked, list(jobs.values()), within_s=90.0)
            yield Played(stocked, jobs)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_comes_to_its_end(played: Played, scenario: Scenario) -> None:
    stocked, job_id = played.stocked, played.jobs[scenario.name]
    job = stocked.system.row(job_id)
    assert (job.state, job.error_code) == (scenario.state, scenario.code), job.error_detail
    assert tuple(row.status for row in stocked.attempts(job_id)) == scenario.attempts
    assert scenario.met is None or scenario.met in [row.event for row in stocked.events(job_id)]
    never_taken = sum(status in ("absent", "refused") for status in scenario.attempts)
    assert stocked.creates(job_id) == len(scenario.attempts) - never_taken, "paid for without a row, or the reverse"
    assert (stocked.system.objects(job_id) == []) is (scenario.state == "failed")


def test_every_cent_of_the_scenarios_is_booked(played: Played) -> None:
    """What the provider bills is what our jobs say they cost."""
    with played.stocked.system.engine.connect() as conn:
        booked = conn.scalar(text("SELECT sum(cost_micros) FROM jobs"))
    assert booked == round(played.stocked.bill()["total_usd"] * 1_000_000)


def test_every_history_of_the_scenarios_is_sound(played: Played) -> None:
    assert_sound(played.stocked.system.engine)
    assert_attempts_add_up(played.stocked.system.engine)
    assert_credits_add_up(played.stocked.system.engine)


def test_no_webhook_arrived_in_any_scenario(played: Played) -> None:
    counted = played.stocked.ask("counters")["webhooks"]
    assert counted["attempts"] > len(SCENARIOS)
    assert "delivered" not in counted


def test_lost_calls_were_found_in_a_list_that_holds_words_which_clients_choke_on(played: Played) -> None:
    """One aborted prediction, or one of an unknown status, makes a whole page unreadable to some."""
    api = f"{played.stocked.system.simulator.api_url}/v1/predictions"
    page = httpx.get(api, headers={"Authorization": "Bearer r8_test"}).raise_for_status().json()
    assert {"aborted", "paused", "failed", "succeeded"} <= {each["status"] for each in page["results"]}
    found = [name for name, job_id in played.jobs.items() if "orphan_found" in _names(played.stocked, job_id)]
    assert len(found) == sum(scenario.met == "orphan_found" for scenario in SCENARIOS)


def _names(stocked: StockedSystem, job_id: UUID) -> list[str]:
    return [row.event for row in stocked.events(job_id)]


def test_a_rejection_of_the_content_is_told_kindly(played: Played) -> None:
    message = played.stocked.system.row(played.jobs["E005"]).error_message
    assert "can happen to harmless ones" in message
    assert "Please try another photo or other words" in message


def test_no_job_that_has_failed_promises_to_go_on(played: Played) -> None:
    for scenario in SCENARIOS:
        assert "keep trying" not in (played.stocked.system.row(played.jobs[scenario.name]).error_message or ""), (
            scenario.name
        )


def test_a_job_whose_model_is_gone_is_made_by_the_next_one(played: Played) -> None:
    made_by = [row.model for row in played.stocked.attempts(played.jobs["no such model"])]
    assert made_by == [PREFERRED, NEXT]


def test_no_caller_reads_the_words_or_the_addresses_of_the_provider(played: Played) -> None:
    answer = read_as_partner(played.stocked)
    assert len(answer["nodes"]) == len(SCENARIOS)
    told = json.dumps(answer)
    assert vendor_words_in(told) == []
    assert played.stocked.system.simulator.delivery_url not in told
    assert "/xezq/" not in told


def test_the_addresses_of_the_provider_are_kept_where_only_the_next_step_reads_them(played: Played) -> None:
    """A table that is shown to callers holds none."""
    with played.stocked.system.engine.connect() as conn:
        for table in ("jobs", "job_events", "assets", "stories"):
            rows = " ".join(conn.scalars(text(f'SELECT t::text FROM "{table}" t')))
            assert "/xezq/" not in rows, table
