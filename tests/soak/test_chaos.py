"""Chaos: a moment of it in `make test-system`, a minute in `make test-faults`, more with `make soak MINUTES=10`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.soak.chaos import Plan, run

KINDS = ("kill", "cut", "freeze", "restart of postgres")
# Few jobs, so that the run mostly waits and leaves the processors to the other tests.
MINUTE = Plan(60, 2, 1, 3.5, disruption_every_s=9.0, restart_s=(8.0, 16.0), accepts=9, disruptions=KINDS)
MOMENT = replace(MINUTE, lasts_s=12, pause_s=2.0, disruption_every_s=2.0, restart_s=(5.0, 8.0), accepts=3)


@pytest.mark.parametrize("plan", [MOMENT, pytest.param(MINUTE, marks=pytest.mark.faults)], ids=["a moment", "a minute"])
@pytest.mark.timeout(1800)
def test_nothing_is_lost_stuck_paid_twice_or_left_behind_in_chaos(tmp_path: Path, plan: Plan) -> None:
    found, disruptions = run(plan, tmp_path)
    printed = "\n".join([str(disruptions), *found.lines()])
    assert not found.wrong, printed
    assert found.accepted >= plan.accepts, printed
    assert set(KINDS) <= disruptions.keys(), printed
    assert found.states.get("succeeded", 0) >= found.accepted / 3, printed
