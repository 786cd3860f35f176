"""The log states recorded moves, after the commit, and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from db.engine.claims import ClaimedJob
from db.public_ids import IdKind, encode_id
from jobs.steps.result import Work
from statemachine.outcomes import Failure, Rejected, RetryPolicy
from statemachine.vocabulary import ErrorCode, State
from tests.support.eventually import eventually
from tests.support.factories import World, make_job
from tests.support.plain_media import without_media_work
from tests.support.workers import InProcessWorkers, instead

TOO_OLD = Failure(ErrorCode.INPUT_EXPIRED, "The picture is gone.", RetryPolicy.NEVER)


@pytest.fixture
def site(engine: Engine, database_url: str) -> InProcessWorkers:
    return InProcessWorkers(database_url, engine)


@pytest.fixture
def job_id(engine: Engine, world: World) -> UUID:
    with engine.begin() as conn:
        return make_job(conn, world)


def lines_named(lines: list[Any], *names: str) -> list[Any]:
    return [line for line in lines if line["event"] in names]


def test_every_recorded_move_is_logged_once_with_its_fields(
    site: InProcessWorkers, world: World, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_media_work(monkeypatch)
    with capture_logs() as lines, site.worker():
        site.wait_for_count("state = 'succeeded'", 1)
    moved = lines_named(lines, "moved", "fenced")
    with site.engine.connect() as conn:
        history = conn.execute(
            text(
                "SELECT from_state, event, to_state FROM job_events "
                "WHERE job_id = :id AND from_state <> 'new' ORDER BY seq"
            ),
            {"id": job_id},
        )
        assert [(each["from_state"], each["job_event"], each["to_state"]) for each in moved] == list(history)
    assert {each["job_id"] for each in moved} == {encode_id(IdKind.JOB, job_id)}
    assert {each["account_id"] for each in moved} == {str(world.owner.account_id)}
    assert [each["attempt"] for each in moved] == [1] * len(moved)
    assert {each["kind"] for each in moved} == {"avatar"}


def test_a_move_that_ends_a_job_is_logged_with_its_error_code(site: InProcessWorkers, job_id: UUID) -> None:
    def reject(job: ClaimedJob, *_: object) -> Work:
        return Work(job, Rejected(TOO_OLD))

    with capture_logs() as lines, site.worker(steps=instead(State.QUEUED, reject)):
        site.wait_for_count("state = 'failed'", 1)
    first = lines_named(lines, "moved")[0]
    assert (first["job_event"], first["to_state"], first["error_code"]) == ("rejected", "compensating", "input_expired")


def lose_the_lease(engine: Engine) -> Callable[..., Work]:
    """Return a step during which another worker claims the job, for good."""

    def act(job: ClaimedJob, *_: object) -> Work:
        with engine.begin() as conn:
            conn.execute(
                text("UPDATE jobs SET lease = lease + 1, lease_expires_at = '9000-01-01' WHERE id = :id"),
                {"id": job.id},
            )
        return Work(job, Rejected(TOO_OLD))

    return act


def test_a_fenced_move_is_logged_as_fenced_and_never_as_moved(site: InProcessWorkers, job_id: UUID) -> None:
    with capture_logs() as lines, site.worker(steps=instead(State.QUEUED, lose_the_lease(site.engine))):
        eventually(lambda: lines_named(lines, "moved", "fenced"))
    (line,) = lines_named(lines, "moved", "fenced")
    assert (line["event"], line["job_id"]) == ("fenced", encode_id(IdKind.JOB, job_id))
    assert (line["from_state"], line["job_event"]) == ("queued", "rejected")
    assert site.row(job_id).state == "queued"
