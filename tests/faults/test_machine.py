"""Whatever happens to a few jobs, in whatever order: sound after every step. `make soak` tries more of it."""

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


def tried(machine: type[Machine], runs: int, steps: int, *, same_each_time: bool) -> None:
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
def test_whatever_happens_in_whatever_order(machine: type[Machine]) -> None:
    tried(machine, 9, 28, same_each_time=True)


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_whatever_happens_in_many_more_orders(machine: type[Machine]) -> None:
    tried(machine, 300, 50, same_each_time=False)
