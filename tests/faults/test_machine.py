"""Everything that can happen to a few jobs, in any order, keeps the invariants. `make soak` tries more of it."""

from __future__ import annotations

import pytest

from tests.faults.lab import Lab
from tests.faults.machine import Machine
from tests.support.plain_media import without_media_work
from tests.support.state_machines import run_machine


@pytest.fixture
def machine(one_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> type[Machine]:
    without_media_work(monkeypatch)
    Machine.lab = one_lab
    return Machine


@pytest.mark.timeout(240)
@pytest.mark.parametrize("runs", [2, pytest.param(9, marks=pytest.mark.faults)])
def test_the_invariants_survive_any_order_of_actions(machine: type[Machine], runs: int) -> None:
    run_machine(machine, runs=runs, steps=28, same_each_time=True)


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_the_invariants_survive_many_more_orders(machine: type[Machine]) -> None:
    run_machine(machine, runs=300, steps=50, same_each_time=False)
