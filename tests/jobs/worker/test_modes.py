"""Test jobs go to the stand-in and live jobs to the provider, whatever happens on the way; neither costs the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from db.engine.provider_webhooks import Webhook, take_webhook
from db.engine.spending import orphans
from db.engine.tracking import in_flight
from jobs.engine.lease_times import Leases
from jobs.providers.absent import AbsentProvider
from jobs.providers.inputs import PictureInputs
from jobs.providers.limiter import Admission, NoLimiter
from jobs.providers.provider import Submission
from jobs.steps.runtime import Runtime
from jobs.upkeep.orphans import search_orphans
from jobs.upkeep.statistics import keep_statistics
from jobs.worker.claiming import Claiming
from statemachine.steps import lane_of
from statemachine.vocabulary import Kind, State, Step
from tests.support.eventually import eventually
from tests.support.factories import World, make_job, make_test_world, make_world
from tests.support.fakes import FakeProvider, Submitted, lost_response
from tests.support.invariants import assert_attempts_add_up, assert_credits_add_up, assert_sound
from tests.support.plain_media import without_media_work
from tests.support.workers import InProcessWorkers

MANY = 12


@pytest.fixture(autouse=True)
def _plain_media(monkeypatch: pytest.MonkeyPatch) -> None:
    without_media_work(monkeypatch)


@pytest.fixture
def local(engine: Engine, database_url: str) -> InProcessWorkers:
    return InProcessWorkers(database_url, engine, is_limited=True)


@pytest.fixture
def worlds(engine: Engine) -> tuple[World, World]:
    """Return a live account and a test account."""
    with engine.begin() as conn:
        return make_world(conn), make_test_world(conn)


def request(engine: Engine, worlds: Sequence[World], number: int) -> None:
    with engine.begin() as conn:
        for _ in range(number):
            for world in worlds:
                make_job(conn, world)


def tokens(engine: Engine, *, is_test: bool) -> set[UUID]:
    query = "SELECT token FROM attempts a JOIN jobs j ON j.id = a.job_id WHERE j.is_test = :is_test"
    with engine.connect() as conn:
        return set(conn.scalars(text(query), {"is_test": is_test}))


def assert_separate(local: InProcessWorkers) -> None:
    """Each provider was called for its own jobs only, and test jobs cost nothing."""
    for provider, is_test in ((local.provider, False), (local.test_provider, True)):
        called = {each.token for each in provider.booked.values()}
        assert called <= tokens(local.engine, is_test=is_test)
        assert called
    assert local.count("is_test AND cost_micros <> 0") == 0
    assert (
        local.scalar(
            "SELECT coalesce(sum(a.reserved_micros), 0) FROM attempts a JOIN jobs j ON j.id = a.job_id WHERE j.is_test"
        )
        == 0
    )
    assert_sound(local.engine)
    assert_attempts_add_up(local.engine)
    assert_credits_add_up(local.engine)


def test_each_job_goes_to_its_own_provider(local: InProcessWorkers, worlds: tuple[World, World]) -> None:
    request(local.engine, worlds, MANY)
    with local.worker():
        eventually(lambda: local.count("state = 'succeeded'") == 2 * MANY)
    assert len(local.provider.booked) == len(local.test_provider.booked) == MANY
    assert_separate(local)
    durations = "SELECT count(*) FROM attempts a JOIN jobs j ON j.id = a.job_id WHERE j.is_test AND took_s IS NOT NULL"
    assert local.scalar(durations) == 0


def has_succeeded(local: InProcessWorkers, least: int) -> bool:
    return local.count("state = 'succeeded'") >= least


def usual(_: Submission) -> Submitted | None:
    """Respond as always."""
    return None


def test_lost_responses_and_cut_workers_mix_nothing(local: InProcessWorkers, worlds: tuple[World, World]) -> None:
    for provider in (local.provider, local.test_provider):
        provider.responses = [lost_response(provider) if each % 2 else usual for each in range(2 * MANY)]
    request(local.engine, worlds, MANY)
    for number in range(3):
        with local.worker(name=f"worker-{number}"):
            eventually(partial(has_succeeded, local, number * MANY // 2))
            local.cut(f"worker-{number}")
    with local.worker():
        eventually(lambda: local.count("finished_at IS NOT NULL") == 2 * MANY)
    assert_separate(local)


def test_a_failing_stand_in_stops_no_live_job(local: InProcessWorkers, worlds: tuple[World, World]) -> None:
    refuse: Callable[[Submission], Submitted | None] = AbsentProvider().submit
    local.test_provider.responses = [refuse] * 1000
    request(local.engine, worlds[1:], MANY)
    with local.worker():
        eventually(lambda: len(local.test_provider.responses) <= 1000 - MANY)
        assert local.scalar("SELECT failures FROM provider_breaker") == 0
        request(local.engine, worlds[:1], MANY)
        eventually(lambda: local.count("state = 'succeeded'") == MANY)
    assert local.count("is_test AND state = 'succeeded'") == 0


def test_the_parts_of_test_jobs_lead_to_the_stand_in_only(local: InProcessWorkers) -> None:
    provider, stand_in, limiter = FakeProvider(), FakeProvider(), Admitting()
    runtime = Runtime(
        engine=local.engine,
        store=cast(Any, local.store),
        provider=provider,
        test_provider=stand_in,
        inputs=PictureInputs(cast(Any, local.store), uploads_to=provider),
        recorder=cast(Any, None),
        renewer=cast(Any, None),
        limiter=limiter,
        secrets={"openai_api_key": "sk-real"},
        public_url="https://diorama.example",
    )
    test = runtime.of_test_jobs
    assert (test.provider, test.inputs.uploads_to, test.public_url) == (stand_in, stand_in, None)
    assert isinstance(test.limiter, NoLimiter)
    assert test.limiter is not limiter
    assert test.watcher_status is not runtime.watcher_status
    assert test.unavailable_models is not runtime.unavailable_models
    assert test.secrets == {"openai_api_key": "test"}
    assert not test.poll_times.by_webhook


def test_without_a_stand_in_nothing_is_sent(worlds: tuple[World, World], local: InProcessWorkers) -> None:
    local.test_provider = AbsentProvider()  # type: ignore[assignment]
    request(local.engine, worlds, 2)
    with local.worker():
        eventually(lambda: local.count("state = 'succeeded'") == 2)
        eventually(lambda: local.count("is_test AND state = 'queued' AND attempt > 0") == 2)
    assert len(local.provider.booked) == 2


class Admitting(NoLimiter):
    """Admits everything, and notes what is booked."""

    is_limited = True

    def __init__(self) -> None:
        self.booked: list[UUID] = []

    def admitted(self, conn: Connection, admission: Admission, job_ids: Sequence[UUID]) -> None:
        self.booked += job_ids


def test_test_jobs_take_no_permits(engine: Engine, worlds: tuple[World, World]) -> None:
    request(engine, worlds, 3)
    limiter = Admitting()
    claiming = Claiming(engine, lane_of(Step.SUBMIT, Kind.AVATAR), worker="w", leases=Leases(), limiter=limiter)
    claimed, _ = claiming.claim(100)
    assert len(claimed) == 6
    assert set(limiter.booked) == {job.id for job in claimed if not job.is_test}


def running(conn: Connection, world: World) -> UUID:
    """Make a job whose prediction runs and is in the list; return the token of its attempt."""
    job_id = make_job(conn, world, State.GENERATING)
    query = "UPDATE attempts SET listed_at = now() WHERE job_id = :id RETURNING token"
    return UUID(str(conn.scalar(text(query), {"id": job_id})))


def test_the_watcher_sees_live_jobs_only(engine: Engine, worlds: tuple[World, World]) -> None:
    with engine.begin() as conn:
        for world in worlds:
            running(conn, world)
        [flight] = in_flight(conn)
        assert conn.scalar(text("SELECT is_test FROM jobs WHERE id = :id"), {"id": flight.job_id}) is False


def test_each_orphan_is_searched_for_at_its_own_provider(engine: Engine, worlds: tuple[World, World]) -> None:
    with engine.begin() as conn:
        for world in worlds:
            running(conn, world)
        conn.execute(text("UPDATE attempts SET status = 'lost', started_at = now() - interval '10 minutes'"))
        for is_test in (False, True):
            given = {"first_after": timedelta(0), "last_after": timedelta(hours=1), "limit": 9}
            [found] = orphans(conn, is_test=is_test, **given)  # type: ignore[arg-type]
            assert conn.scalar(text("SELECT is_test FROM jobs WHERE id = :id"), {"id": found.job_id}) is is_test
    live, test = FakeProvider(), FakeProvider()
    search_orphans(engine, live, timedelta(0))
    search_orphans(engine, test, timedelta(0), is_test=True)
    assert (live.booked, test.booked) == ({}, {})
    with engine.connect() as conn:
        assert set(conn.scalars(text("SELECT status FROM attempts"))) == {"absent"}


def test_a_webhook_of_the_provider_moves_no_test_job(engine: Engine, worlds: tuple[World, World]) -> None:
    with engine.begin() as conn:
        token = running(conn, worlds[1])
        found = conn.execute(text("SELECT prediction_id FROM attempts WHERE token = :token"), {"token": token}).one()
        assert take_webhook(conn, Webhook("w", token, found.prediction_id, True, '{"has_ended": true}')) is None
        assert conn.scalar(text("SELECT effect FROM provider_webhooks")) == "foreign"
        assert conn.scalar(text("SELECT sighting FROM attempts WHERE token = :token"), {"token": token}) is None


def test_statistics_count_live_jobs_only(local: InProcessWorkers, worlds: tuple[World, World]) -> None:
    keep_statistics(local.engine)
    request(local.engine, worlds, 2)
    with local.worker():
        eventually(lambda: local.count("state = 'succeeded'") == 4)
    keep_statistics(local.engine)
    accounts = text("SELECT DISTINCT account_id FROM job_statistics WHERE account_id <> :all")
    with local.engine.connect() as conn:
        assert list(conn.scalars(accounts, {"all": UUID(int=0)})) == [worlds[0].owner.account_id]


def test_no_job_has_another_mode_than_its_account(engine: Engine, worlds: tuple[World, World]) -> None:
    for world in worlds:
        with engine.begin() as conn:
            job_id = make_job(conn, world)
        with engine.connect() as conn, pytest.raises(IntegrityError, match="jobs_account"):
            conn.execute(text("UPDATE jobs SET is_test = NOT is_test WHERE id = :id"), {"id": job_id})
