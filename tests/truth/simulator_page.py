"""The generated parts of docs/simulator.md: the faults, the served operations and the simulator's own requests."""

from __future__ import annotations

import json
from collections.abc import Iterable

from simulator.api.control import HELP
from simulator.api.routes import OPERATIONS
from simulator.faults.menu import ERRORS, EVENTS, MENU, Stage

_HEADINGS = {
    Stage.REQUEST: "before the request is handled (only a stall lets it be handled afterwards): nothing costs money",
    Stage.RESPONSE: "after the request is handled: whatever it creates runs, and costs money",
    Stage.PREDICTION: "in the lifecycle of the prediction that the request creates",
    Stage.WEBHOOK: "in the webhooks of the prediction that the request creates",
}


def fault_menu() -> str:
    """Return the actions as a table for each point at which they take effect."""
    return "".join(_stage_table(stage) for stage in Stage)


def _stage_table(stage: Stage) -> str:
    actions = [action for action in MENU.values() if action.stage is stage]
    rows = [(f"`{each.name}`", _without_codes(each.summary), _options(each.options)) for each in actions]
    return f"\n{_HEADINGS[stage].capitalize()}:\n\n{_table(('action', 'what happens', 'options'), rows)}"


def _without_codes(summary: str) -> str:
    """Leave out the list of codes, which has its own table."""
    return summary.replace(f"({', '.join(ERRORS)}) ", "")


def _options(options: object) -> str:
    given = dict(options) if isinstance(options, dict) else {}
    return ", ".join(f"`{name}` ({_value(value)})" for name, value in given.items())


def _value(value: object) -> str:
    return "all" if value == EVENTS else json.dumps(value).strip('"')


def fault_texts() -> str:
    """Return the error texts of failed predictions, by their codes."""
    return _table(("code", "text"), [(f"`{code}`", text) for code, text in ERRORS.items()])


def control_table() -> str:
    """Return the requests for controlling the simulator."""
    return _table(("request", "what it does"), [(f"`{request}`", what) for request, what in HELP.items()])


def operations_table() -> str:
    """Return every operation of the API that is served."""
    rows = [(f"`{each.id}`", f"`{each.method} /v1{each.path}`") for each in OPERATIONS]
    return _table(("operation", "request"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


BLOCKS = {
    "fault-menu": fault_menu,
    "fault-texts": fault_texts,
    "control": control_table,
    "operations": operations_table,
}
