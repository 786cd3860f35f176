"""Running Hypothesis's state machines on any machine, however slow."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def run_machine(
    machine: type[RuleBasedStateMachine],
    *,
    runs: int,
    steps: int,
    same_each_time: bool,
    phases: Collection[Phase] = tuple(Phase),
) -> None:
    """Take up to `steps` steps in each run; fail where a rule or an invariant of the machine does."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            derandomize=same_each_time,
            database=None,
            phases=tuple(phases),
            suppress_health_check=list(HealthCheck),
        ),
    )
