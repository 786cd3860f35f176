"""A job's end is estimated from usual durations, and left out where an estimate would be a guess."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.tracking.durations import Usual
from jobs.tracking.estimates import Way, ready_at
from statemachine.vocabulary import State

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
USUAL = Usual(low_s=30, middle_s=40, high_s=60, queued_s=5, finishing_s=2, succeeded_s=(30.0, 40.0, 60.0))


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def way(state: State, **given: Any) -> Way:
    return replace(Way(state, created_at=NOW), **given)


WAYS = {
    "queued just now": (way(State.QUEUED), 5 + 40 + 2),
    "queued for longer than usual": (way(State.QUEUED, created_at=at(-100)), 40 + 2),
    "queued again for later": (way(State.QUEUED, created_at=at(-100), due_at=at(20)), 20 + 40 + 2),
    "waiting for its parent": (way(State.WAITING, parent_ready_at=at(10)), 10 + 5 + 40 + 2),
    "being submitted": (way(State.SUBMITTING, created_at=at(-100)), 40 + 2),
    "running": (way(State.GENERATING, accepted_at=at(-10)), 30 + 2),
    "running for longer than most": (way(State.GENERATING, accepted_at=at(-50)), 10 + 2),
    "being stored": (way(State.STORING, generated_at=at(-1)), 1),
}
UNKNOWN = {
    "waiting for an unknown time": way(State.WAITING),
    "running for longer than any before": way(State.GENERATING, accepted_at=at(-61)),
    "lost": way(State.RECONCILING),
    "transcoding for longer than usual": way(State.TRANSCODING, generated_at=at(-3)),
    "being undone": way(State.COMPENSATING, accepted_at=at(-10), generated_at=at(-1)),
}


@pytest.mark.parametrize("case", WAYS)
def test_an_estimate_follows_the_usual_durations(case: str) -> None:
    so_far, seconds = WAYS[case]
    assert ready_at(so_far, USUAL, NOW) == at(seconds)


@pytest.mark.parametrize("case", UNKNOWN)
def test_there_is_no_estimate_where_it_would_be_a_guess(case: str) -> None:
    assert ready_at(UNKNOWN[case], USUAL, NOW) is None
