"""Test jobs reach the stand-in only, and live jobs the provider only, through lost responses and killed workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from db.engine.commands import cancel
from db.records.accounts import insert_test_account
from jobs.api_keys import issue_api_key
from jobs.identity import authenticate
from jobs.providers.correlation import tokens_in
from simulator.serve import Background
from simulator.settings import SimulatorSettings
from tests.support.eventually import eventually
from tests.support.invariants import assert_attempts_add_up, assert_credits_add_up, assert_sound
from tests.support.pictures import add_picture
from tests.support.system import System

MANY = 4
KILLS = 3


@pytest.fixture
def stand_in() -> Iterator[Background]:
    """Yield a second provider, which the workers know as the stand-in only."""
    with Background(SimulatorSettings(speed=200, canned=True, seed=2)) as running:
        yield running


@pytest.fixture
def tester(system: System, stand_in: Background) -> System:
    """Return the same system as the test account of its account uses it."""
    system.processes.environment |= {
        "TEST_PROVIDER_URL": stand_in.api_url,
        "TEST_PROVIDER_DELIVERY_HOSTS": stand_in.delivery_url.removeprefix("http://"),
    }
    with system.engine.begin() as conn:
        account_id = insert_test_account(conn, system.caller.account_id, jobs_at_once=10)
        caller = authenticate(conn, issue_api_key(conn, "acme (test)", role="partner", key_name="tests"))
    assert caller is not None
    selfie_id = add_picture(system.engine, system.store, account_id, "selfie")
    return replace(system, simulator=stand_in, caller=caller, selfie_id=selfie_id)


def submitted_to(provider: Background) -> set[UUID]:
    """Return the tokens of all submissions that a provider accepted, from the addresses of their pictures."""
    headers = {"Authorization": "Bearer r8_test"}
    page = httpx.get(f"{provider.api_url}/v1/predictions", headers=headers, timeout=30).raise_for_status().json()
    assert page["next"] is None
    found = [tokens_in(each["input"]) for each in page["results"]]
    assert all(found)
    return {token for each in found for token in each}


def tokens(system: System, *, is_test: bool) -> set[UUID]:
    query = "SELECT token FROM attempts a JOIN jobs j ON j.id = a.job_id WHERE j.is_test = :is_test"
    with system.engine.connect() as conn:
        return set(conn.scalars(text(query), {"is_test": is_test}))


def unfinished(system: System) -> int:
    return int(system.scalar("SELECT count(*) FROM jobs WHERE finished_at IS NULL") or 0)


def events(system: System) -> int:
    return int(system.scalar("SELECT count(*) FROM job_events") or 0)


def has_moved_on(system: System, least: int) -> bool:
    return events(system) >= least


def test_kills_and_lost_responses_mix_nothing(system: System, tester: System) -> None:
    for each in (system, tester):
        each.fault("hang_after_accept", operation="predictions.create", count=2)
        each.fault("reset_after_accept", operation="predictions.create", count=1, nth=4)
    asked: list[tuple[System, UUID]] = []
    for number in range(MANY):
        for each in (system, tester):
            each.ask_for_story(f"story-{number}", video=False)
            asked.append((each, each.ask_for_avatar(f"avatar-{number}")))
    for _ in range(KILLS):
        worker = system.start_worker()
        eventually(partial(has_moved_on, system, events(system) + 15))
        worker.kill()
    with system.engine.begin() as conn:
        for _, job_id in asked[:2]:
            cancel(conn, job_id, actor="api")
    system.start_worker()
    eventually(lambda: unfinished(system) == 0, within_s=120)
    for each, is_test in ((system, False), (tester, True)):
        submitted = submitted_to(each.simulator)
        assert submitted
        assert submitted <= tokens(system, is_test=is_test)
    assert system.scalar("SELECT count(*) FROM jobs WHERE is_test AND (cost_micros <> 0 OR credits <> 0)") == 0
    assert_sound(system.engine)
    assert_attempts_add_up(system.engine)
    assert_credits_add_up(system.engine)
