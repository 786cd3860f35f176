"""The generated diagrams and tables of states: the short diagram in README.md, and those in docs/states.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from statemachine.steps import STEP_OF, STEP_SPECS
from statemachine.transitions import FINISHING, TRANSITIONS, Transition
from statemachine.vocabulary import TERMINAL, Event, State

# The events that the README's diagram shows between the states of a job under way.
_MAIN_EVENTS = (
    Event.REQUESTED,
    Event.PARENT_READY,
    Event.SUBMIT_STARTED,
    Event.ACCEPTED,
    Event.OUTCOME_LOST,
    Event.ORPHAN_FOUND,
    Event.ORPHAN_ABSENT,
    Event.OUTPUT_READY,
    *(each.done for each in FINISHING),
)
_ENDING = "it fails, is canceled or runs out of time"


def main_states() -> str:
    """Return the path of a job that succeeds, and that of a job that does not, as a Mermaid diagram."""
    inner = [rule for rule in TRANSITIONS if rule.event in _MAIN_EVENTS]
    undone = [rule for rule in TRANSITIONS if rule.event is Event.UNDONE]
    lines = [
        '    state "under way" as active {',
        *(f"    {line}" for line in _arrows(rule for rule in inner if rule.to_state not in TERMINAL)),
        "    }",
        *_arrows(rule for rule in inner if rule.to_state in TERMINAL),
        f"    active --> {State.COMPENSATING}: {_ENDING}",
        *_arrows(undone),
    ]
    return _diagram(lines)


def state_diagram() -> str:
    """Return all transitions as a Mermaid diagram."""
    ends = [f"    {state} --> [*]" for state in State if state in TERMINAL]
    return _diagram([*_arrows(TRANSITIONS), *ends])


def steps_table() -> str:
    """Return every step as a table row: the states that it serves, and what it does."""
    rows = [
        f"| {spec.step} | {', '.join(f'`{each.state}`' for each in spec.serves)} | {spec.description} |"
        for spec in STEP_SPECS
    ]
    return "\n".join(["| step (queue) | states | what it does |", "| --- | --- | --- |", *rows, ""])


def states_table() -> str:
    """Return every state as a table row: the step that serves it, and the events that leave it."""
    rows = [f"| `{state}` | {_step(state)} | {'<br>'.join(_leaving(state))} |" for state in State]
    return "\n".join(["| state | step | event → next state |", "| --- | --- | --- |", *rows, ""])


def _step(state: State) -> str:
    return f"`{STEP_OF[state]}`" if state in STEP_OF else ""


def _leaving(state: State) -> Iterator[str]:
    """Yield each event that is legal in a state, with every state that it can lead to."""
    targets: dict[str, list[str]] = {}
    for rule in TRANSITIONS:
        if rule.from_state is state:
            targets.setdefault(rule.event, []).append(f"`{rule.to_state}`")
    for event, states in targets.items():
        yield f"`{event}` → {' or '.join(states)}"


def _arrows(rules: Iterable[Transition]) -> list[str]:
    """Return one arrow for all events between two states."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for rule in rules:
        arrows.setdefault((rule.from_state or "[*]", rule.to_state), []).append(rule.event)
    return [f"    {start} --> {end}: {' / '.join(events)}" for (start, end), events in arrows.items()]


def _diagram(lines: Iterable[str]) -> str:
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```", ""])
