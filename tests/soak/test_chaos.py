"""A little chaos in every run of the tests; `make soak MINUTES=10` makes a minute of it here, and then ten more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.soak.chaos import Plan, run

# A trickle of jobs, so that it is mostly waiting and leaves the processors to the other tests.
MINUTE = Plan(lasts_s=60, workers=2, clients=1, pause_s=3.5, trouble_every_s=9.0, restart_s=(8.0, 16.0))
MOMENT = replace(MINUTE, lasts_s=18, pause_s=2.0, trouble_every_s=2.0, restart_s=(5.0, 8.0))


@pytest.mark.parametrize(
    ("plan", "accepted", "restarts"),
    [(MOMENT, 2, 1), pytest.param(MINUTE, 8, 3, marks=pytest.mark.thorough)],
    ids=["a moment", "a minute"],
)
@pytest.mark.timeout(1800)
def test_nothing_is_lost_stuck_paid_twice_or_left_behind_in_chaos(
    tmp_path: Path, plan: Plan, accepted: int, restarts: int
) -> None:
    found, trouble = run(plan, tmp_path)
    told = "\n".join([str(trouble), *found.lines()])
    assert not found.wrong, told
    assert found.accepted > accepted, told
    assert trouble["restart of postgres"] >= restarts, told
    assert {"kill", "cut", "freeze"} <= trouble.keys(), told
    assert found.states.get("succeeded", 0) > found.accepted / 2, told
