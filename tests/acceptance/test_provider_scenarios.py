"""Everything that users of Replicate complain about happens to the whole system, and each job ends as expected.

All scenarios of the table run at the same time under one worker. The simulator recognizes by the words of each job's
prompt which faults are meant for it. Every webhook is lost, because nothing listens at their address.
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
from tests.support.system import NEXT, PREFERRED, Servers, System


@dataclass
class PlayedScenarios:
    """A system in which all scenarios have run, and the job of each."""

    system: System
    jobs: dict[str, UUID]


@pytest.fixture(scope="module")
def played(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedScenarios]:
    with servers.system(tmp_path_factory.mktemp("played")) as system:
        jobs = {}
        for number, scenario in enumerate(SCENARIOS, start=100):
            words = f"scene number {number} of the day"
            for action, rule in scenario.faults:
                system.fault(action, prompt=words, **rule)
            jobs[scenario.name] = system.ask_for_scene(words)
        with system.working():
            system.wait_until_ended(list(jobs.values()), within_s=90.0)
            yield PlayedScenarios(system, jobs)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_ends_as_expected(played: PlayedScenarios, scenario: Scenario) -> None:
    system, job_id = played.system, played.jobs[scenario.name]
    job = system.row(job_id)
    assert (job.state, job.error_code) == (scenario.state, scenario.code), job.error_detail
    assert tuple(row.status for row in system.attempts(job_id)) == scenario.attempts
    assert scenario.expected_event is None or scenario.expected_event in system.events(job_id)
    not_accepted = sum(status in ("absent", "refused") for status in scenario.attempts)
    assert system.creates_of(job_id) == len(scenario.attempts) - not_accepted, "paid for without a row, or the reverse"
    assert (system.objects(job_id) == []) is (scenario.state == "failed")


def test_every_cent_of_the_scenarios_is_booked(played: PlayedScenarios) -> None:
    """The provider's bill is the sum of the costs of our jobs."""
    with played.system.engine.connect() as conn:
        booked = conn.scalar(text("SELECT sum(cost_micros) FROM jobs"))
    assert booked == round(played.system.control.bill()["total_usd"] * 1_000_000)


def test_every_history_of_the_scenarios_is_sound(played: PlayedScenarios) -> None:
    assert_sound(played.system.engine)
    assert_attempts_add_up(played.system.engine)
    assert_credits_add_up(played.system.engine)


def test_no_webhook_arrived_in_any_scenario(played: PlayedScenarios) -> None:
    counted = played.system.control.counters()["webhooks"]
    assert counted["attempts"] > len(SCENARIOS)
    assert "delivered" not in counted


def test_lost_calls_are_found_in_a_list_with_statuses_that_clients_choke_on(played: PlayedScenarios) -> None:
    """Some clients cannot read a page with an aborted prediction on it, or with one of an unknown status."""
    api = f"{played.system.simulator.api_url}/v1/predictions"
    page = httpx.get(api, headers={"Authorization": "Bearer r8_test"}).raise_for_status().json()
    assert {"aborted", "paused", "failed", "succeeded"} <= {each["status"] for each in page["results"]}
    found = [name for name, job_id in played.jobs.items() if "orphan_found" in _event_names(played.system, job_id)]
    assert len(found) == sum(scenario.expected_event == "orphan_found" for scenario in SCENARIOS)


def _event_names(system: System, job_id: UUID) -> list[str]:
    return system.events(job_id)


def test_a_content_rejection_has_a_friendly_message(played: PlayedScenarios) -> None:
    message = played.system.row(played.jobs["E005"]).error_message
    assert "can happen to harmless ones" in message
    assert "Please try another photo or other words" in message


def test_the_message_of_a_failed_job_does_not_promise_more_attempts(played: PlayedScenarios) -> None:
    for scenario in SCENARIOS:
        assert "keep trying" not in (played.system.row(played.jobs[scenario.name]).error_message or ""), scenario.name


def test_a_job_whose_model_is_gone_is_made_by_the_next_model(played: PlayedScenarios) -> None:
    made_by = [row.model for row in played.system.attempts(played.jobs["no such model"])]
    assert made_by == [PREFERRED, NEXT]


def test_no_caller_reads_the_words_or_addresses_of_the_provider(played: PlayedScenarios) -> None:
    nodes = read_as_partner(played.system)
    assert len(nodes) == len(SCENARIOS)
    visible = json.dumps(nodes)
    assert vendor_words_in(visible) == []
    assert played.system.simulator.delivery_url not in visible
    assert "/xezq/" not in visible


def test_tables_that_callers_can_read_contain_no_address_of_the_provider(played: PlayedScenarios) -> None:
    """The addresses are kept where only the next step reads them."""
    with played.system.engine.connect() as conn:
        for table in ("jobs", "job_events", "assets", "stories"):
            rows = " ".join(conn.scalars(text(f'SELECT t::text FROM "{table}" t')))
            assert "/xezq/" not in rows, table
