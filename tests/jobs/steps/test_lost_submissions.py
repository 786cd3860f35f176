"""A lost submission counts as absent only if the provider's list would show it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from jobs.engine.hints import Hinter
from jobs.engine.recorder import Recorder
from jobs.providers.inputs import PictureInputs
from jobs.providers.provider import Submission
from jobs.steps.lost import LostSubmissions
from jobs.steps.models import Models
from jobs.steps.prepare import PrepareParts
from jobs.steps.reconcile import ReconcileParts, reconcile
from jobs.steps.submit import SubmitParts, submit
from jobs.upkeep.orphans import search_orphans
from statemachine import outcomes as o
from statemachine.vocabulary import State
from tests.support.factories import World, claimed, make_job
from tests.support.fakes import FakeProvider, MemoryStore
from tests.support.pictures import SAMPLE

PRICE = 64_000


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
def parts(engine: Engine, provider: FakeProvider) -> ReconcileParts:
    return ReconcileParts(engine, LostSubmissions(engine, provider))


def lost(engine: Engine, world: World, *, is_over: bool = False, **changed: Any) -> UUID:
    """Return a job whose submission was lost; `changed` are columns of its attempt, and `age` is the attempt's age.

    If it `is_over`, the job has gone on without it.
    """
    age = changed.pop("age", timedelta(minutes=1))
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.RECONCILING)
        of_job = " WHERE job_id = :id"
        conn.execute(text("UPDATE attempts SET started_at = started_at - :age" + of_job), {"age": age, "id": job_id})
        for name, value in changed.items():
            conn.execute(text(f"UPDATE attempts SET {name} = :value" + of_job), {"value": value, "id": job_id})
        if is_over:
            # The way to that point does not matter here.
            conn.execute(text("UPDATE jobs SET attempt = attempt + 1 WHERE id = :id"), {"id": job_id})
    return job_id


def attempt(engine: Engine, job_id: UUID) -> Any:
    with engine.connect() as conn:
        return conn.execute(text("SELECT * FROM attempts WHERE job_id = :id"), {"id": job_id}).one()


def test_a_submission_missing_from_the_list_is_absent_only_if_the_list_would_show_it(
    engine: Engine, world: World, parts: ReconcileParts
) -> None:
    def outcome(**changed: Any) -> type[o.Outcome]:
        job_id = lost(engine, world, **changed)
        with engine.begin() as conn:
            job = claimed(conn, job_id)
        return type(reconcile(job, parts).outcome)

    assert outcome() is o.OrphanAbsent
    assert outcome(age=timedelta(minutes=50)) is o.OrphanAbsent
    assert outcome(age=timedelta(minutes=56)) is o.StillUncertain, "its inputs may have been removed"
    assert outcome(is_traceable=False) is o.StillUncertain, "nothing in the list could show it"


def test_a_submission_with_an_unknown_outcome_is_booked_at_its_price_however_late(
    engine: Engine, world: World, provider: FakeProvider
) -> None:
    long_ago, lately = timedelta(hours=9), timedelta(minutes=53)
    cases = {
        "no search in time": (lost(engine, world, is_over=True, age=long_ago), "lost", PRICE),
        "searched in time and absent": (lost(engine, world, is_over=True, age=long_ago, status="absent"), "absent", 0),
        "absent now": (lost(engine, world, is_over=True, age=lately), "absent", 0),
        "not traceable": (lost(engine, world, is_over=True, age=lately, is_traceable=False), "lost", PRICE),
    }
    search_orphans(engine, provider)
    for case, (job_id, status, cost_micros) in cases.items():
        found = attempt(engine, job_id)
        assert (found.status, found.cost_micros, found.completed_at is not None) == (status, cost_micros, True), case
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT sum(cost_micros) FROM jobs")) == 2 * PRICE


def test_an_orphan_is_found_by_the_address_of_its_picture(engine: Engine, world: World, provider: FakeProvider) -> None:
    job_id = lost(engine, world, is_over=True, picture_url="https://provider.invalid/files/0")
    provider.ahead = -timedelta(minutes=1)
    orphan = provider.take(
        Submission("m", {"image": "https://provider.invalid/files/0"}, uuid4(), timedelta(minutes=10))
    )
    provider.ahead = timedelta(0)
    search_orphans(engine, provider)
    assert attempt(engine, job_id).status == "duplicate"
    assert provider.booked[orphan].prediction.status == "canceled"


def test_a_picture_that_cannot_be_uploaded_costs_nothing_and_leaves_no_attempt(
    engine: Engine, world: World, provider: FakeProvider, hinter: Hinter
) -> None:
    provider.takes_files = False
    with engine.begin() as conn:
        job = claimed(conn, make_job(conn, world))
    store: Any = MemoryStore()
    store.objects[job.input_key or ""] = SAMPLE.read_bytes()
    recorder = Recorder(engine, hinter)
    parts = SubmitParts(
        prepare=PrepareParts(engine, Models(engine)),
        provider=provider,
        inputs=PictureInputs(store, uploads_to=provider),
        recorder=recorder,
        secrets={"openai_api_key": "sk-test"},
    )
    work = submit(job, parts)
    recorder.close()
    assert work is not None
    assert isinstance(work.outcome, o.StepFailed)
    assert work.outcome.failure.retry_policy is o.RetryPolicy.WAIT
    assert provider.booked == {}
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM attempts")) == 0
