"""A little chaos in every run of the tests; `make soak MINUTES=10` makes more of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.chaos import Plan, run


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_nothing_is_lost_stuck_paid_twice_or_left_behind_in_chaos(tmp_path: Path) -> None:
    plan = Plan(lasts_s=20, workers=2, clients=3, trouble_every_s=2.0, restart_s=(5.0, 9.0))
    found, trouble = run(plan, tmp_path)
    told = "\n".join([str(trouble), *found.lines()])
    assert not found.wrong, told
    assert found.accepted > 10, told
    assert trouble["restart of postgres"] >= 1, told
    assert found.states.get("succeeded", 0) > found.accepted / 2, told
