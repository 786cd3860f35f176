"""A job is handed over past waiting jobs of its own account, and leaves room to claim those of others."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from db.engine.claims import ClaimedJob
from jobs.worker import backlog
from jobs.worker.backlog import Backlog
from statemachine.vocabulary import State
from tests.support.factories import claimed, make_job, make_world

OWN = "own"
OTHER = "other"


@pytest.fixture
def jobs(engine: Engine) -> dict[str, ClaimedJob]:
    """Return a claimed job of each of two accounts."""
    with engine.begin() as conn:
        return {name: claimed(conn, make_job(conn, make_world(conn), State.STORING)) for name in (OWN, OTHER)}


@pytest.mark.parametrize(
    ("found", "room", "places"),
    [
        pytest.param([], 2, 8, id="nothing was due"),
        pytest.param([OTHER], 2, 8, id="all that was due was claimed"),
        pytest.param([OWN, OWN], 2, 8, id="only its own account has more"),
        pytest.param([OTHER, OTHER], 2, 4, id="another account has more"),
        pytest.param([OWN, OTHER], 2, 4, id="another account has more, too"),
    ],
)
def test_places_are_left_for_claims_while_others_wait(
    jobs: dict[str, ClaimedJob], found: list[str], room: int, places: int
) -> None:
    seen = Backlog()
    seen.observe([jobs[name] for name in found], room)
    assert seen.places(8, jobs[OWN].account_id) == places


def test_before_the_first_claim_every_place_may_be_handed_over() -> None:
    assert Backlog().places(8, uuid4()) == 8


def test_what_was_seen_is_true_only_for_a_moment(jobs: dict[str, ClaimedJob], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another account's job may have become due since: the next claim must have room to find it."""
    monkeypatch.setattr(backlog, "_SEEN_FOR_S", 0.0)
    own: UUID = jobs[OWN].account_id
    seen = Backlog()
    seen.observe([jobs[OWN]], 1)
    assert seen.places(8, own) == 4
    seen.observe([], 1)
    assert seen.places(8, own) == 8
