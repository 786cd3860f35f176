"""Everything that can happen to a few jobs, in any order, keeps the invariants. `make soak` tries more of it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.lab import Lab
from tests.faults.machine import Machine
from tests.support.plain_media import without_media_work


@pytest.fixture
def machine(one_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> type[Machine]:
    without_media_work(monkeypatch)
    Machine.lab = one_lab
    return Machine


def run(machine: type[Machine], runs: int, steps: int, *, same_each_time: bool) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            derandomize=same_each_time,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(240)
@pytest.mark.parametrize("runs", [2, pytest.param(9, marks=pytest.mark.faults)])
def test_the_invariants_survive_any_order_of_actions(machine: type[Machine], runs: int) -> None:
    run(machine, runs, 28, same_each_time=True)


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_the_invariants_survive_many_more_orders(machine: type[Machine]) -> None:
    run(machine, 300, 50, same_each_time=False)
