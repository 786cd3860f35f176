"""A little chaos in every run of the tests; `make soak MINUTES=10` makes more of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.chaos import Plan, run

# A trickle of jobs, so that a minute of it is mostly waiting and leaves the processors to the other tests.
MODEST = Plan(lasts_s=60, workers=2, clients=1, pause_s=3.5, trouble_every_s=9.0, restart_s=(8.0, 16.0))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_is_lost_stuck_paid_twice_or_left_behind_in_a_minute_of_chaos(tmp_path: Path) -> None:
    found, trouble = run(MODEST, tmp_path)
    told = "\n".join([str(trouble), *found.lines()])
    assert not found.wrong, told
    assert found.accepted > 8, told
    assert trouble["restart of postgres"] >= 3, told
    assert {"kill", "cut", "freeze"} <= trouble.keys(), told
    assert found.states.get("succeeded", 0) > found.accepted / 2, told
