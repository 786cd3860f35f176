"""The table of transitions: the one place where a move of a job is declared."""

from __future__ import annotations

from dataclasses import dataclass

from statemachine.vocabulary import Event, State


class IllegalTransition(ValueError):
    """The table has no row for this move. Carries `from_state`, `event` and, where given, `to_state`."""

    def __init__(self, from_state: State | None, event: Event, to_state: State | None = None) -> None:
        self.from_state = from_state
        self.event = event
        self.to_state = to_state
        target = f" to {to_state}" if to_state else ""
        super().__init__(f"no transition from {from_state or 'new'} on {event}{target}")


@dataclass(frozen=True, slots=True)
class Transition:
    """One legal move. `from_state` is None for the birth of a job."""

    from_state: State | None
    event: Event
    to_state: State


S, E = State, Event

TRANSITIONS: tuple[Transition, ...] = (
    Transition(None, E.REQUESTED, S.QUEUED),
    Transition(None, E.REQUESTED, S.WAITING),  # its parent generation has not succeeded yet
    #
    Transition(S.WAITING, E.PARENT_READY, S.QUEUED),
    Transition(S.WAITING, E.PARENT_FAILED, S.COMPENSATING),
    Transition(S.WAITING, E.CANCEL_REQUESTED, S.COMPENSATING),
    Transition(S.WAITING, E.DEADLINE_PASSED, S.COMPENSATING),
    #
    Transition(S.QUEUED, E.SUBMIT_STARTED, S.SUBMITTING),
    Transition(S.QUEUED, E.POSTPONED, S.QUEUED),  # parked, or the step failed in passing: again later
    Transition(S.QUEUED, E.REJECTED, S.COMPENSATING),  # unusable before any call: no model, no readable input
    Transition(S.QUEUED, E.CANCEL_REQUESTED, S.COMPENSATING),
    Transition(S.QUEUED, E.CANCEL_EXECUTED, S.COMPENSATING),  # requested while its outcome was unknown
    Transition(S.QUEUED, E.DEADLINE_PASSED, S.COMPENSATING),
    Transition(S.QUEUED, E.GAVE_UP, S.COMPENSATING),  # its workers keep dying
    #
    Transition(S.SUBMITTING, E.ACCEPTED, S.GENERATING),  # the provider returned a prediction id
    Transition(S.SUBMITTING, E.REFUSED, S.QUEUED),  # provably not accepted: again, after a wait
    Transition(S.SUBMITTING, E.REJECTED, S.COMPENSATING),
    Transition(S.SUBMITTING, E.OUTCOME_LOST, S.RECONCILING),
    Transition(S.SUBMITTING, E.CANCEL_REQUESTED, S.SUBMITTING),  # noted until the outcome is known
    #
    Transition(S.RECONCILING, E.ORPHAN_FOUND, S.GENERATING),
    Transition(S.RECONCILING, E.ORPHAN_ABSENT, S.QUEUED),
    Transition(S.RECONCILING, E.POSTPONED, S.RECONCILING),
    Transition(S.RECONCILING, E.GAVE_UP, S.QUEUED),  # never found out, and the job may still spend: paid for again
    Transition(S.RECONCILING, E.GAVE_UP, S.COMPENSATING),
    Transition(S.RECONCILING, E.CANCEL_REQUESTED, S.COMPENSATING),
    Transition(S.RECONCILING, E.CANCEL_EXECUTED, S.COMPENSATING),
    #
    Transition(S.GENERATING, E.STILL_RUNNING, S.GENERATING),
    Transition(S.GENERATING, E.POSTPONED, S.GENERATING),
    Transition(S.GENERATING, E.OUTPUT_READY, S.STORING),
    Transition(S.GENERATING, E.GENERATION_FAILED, S.QUEUED),
    Transition(S.GENERATING, E.GENERATION_FAILED, S.COMPENSATING),
    Transition(S.GENERATING, E.CANCEL_REQUESTED, S.COMPENSATING),
    Transition(S.GENERATING, E.CANCEL_EXECUTED, S.COMPENSATING),
    Transition(S.GENERATING, E.DEADLINE_PASSED, S.COMPENSATING),
    Transition(S.GENERATING, E.GAVE_UP, S.COMPENSATING),
    #
    Transition(S.STORING, E.STORED, S.TRANSCODING),
    Transition(S.STORING, E.POSTPONED, S.STORING),
    Transition(S.STORING, E.OUTPUT_GONE, S.QUEUED),
    Transition(S.STORING, E.OUTPUT_GONE, S.COMPENSATING),
    Transition(S.STORING, E.CANCEL_REQUESTED, S.COMPENSATING),
    Transition(S.STORING, E.DEADLINE_PASSED, S.COMPENSATING),
    Transition(S.STORING, E.GAVE_UP, S.COMPENSATING),
    #
    Transition(S.TRANSCODING, E.TRANSCODED, S.SUCCEEDED),
    Transition(S.TRANSCODING, E.POSTPONED, S.TRANSCODING),
    Transition(S.TRANSCODING, E.OUTPUT_INVALID, S.QUEUED),
    Transition(S.TRANSCODING, E.OUTPUT_INVALID, S.COMPENSATING),
    Transition(S.TRANSCODING, E.CANCEL_REQUESTED, S.COMPENSATING),
    Transition(S.TRANSCODING, E.DEADLINE_PASSED, S.COMPENSATING),
    Transition(S.TRANSCODING, E.GAVE_UP, S.COMPENSATING),
    #
    Transition(S.COMPENSATING, E.POSTPONED, S.COMPENSATING),
    Transition(S.COMPENSATING, E.UNDONE, S.FAILED),
    Transition(S.COMPENSATING, E.UNDONE, S.CANCELED),
    #
    Transition(S.FAILED, E.REDRIVEN, S.WAITING),  # with its parent, which is made again first
    Transition(S.FAILED, E.REDRIVEN, S.QUEUED),
    Transition(S.FAILED, E.REDRIVEN, S.STORING),
    Transition(S.FAILED, E.REDRIVEN, S.TRANSCODING),
    Transition(S.CANCELED, E.REDRIVEN, S.WAITING),
    Transition(S.CANCELED, E.REDRIVEN, S.QUEUED),
    Transition(S.CANCELED, E.REDRIVEN, S.STORING),
    Transition(S.CANCELED, E.REDRIVEN, S.TRANSCODING),
    Transition(S.SUCCEEDED, E.ROLLED_BACK, S.COMPENSATING),
    Transition(S.FAILED, E.UNDO_RETRIED, S.COMPENSATING),  # support wants what could not be undone tried again
    Transition(S.CANCELED, E.UNDO_RETRIED, S.COMPENSATING),
)

_TARGETS: dict[tuple[State | None, Event], tuple[State, ...]] = {
    (t.from_state, t.event): tuple(
        other.to_state for other in TRANSITIONS if (other.from_state, other.event) == (t.from_state, t.event)
    )
    for t in TRANSITIONS
}


def next_states(from_state: State | None, event: Event) -> tuple[State, ...]:
    """Return every state that `event` can lead to from `from_state`, or raise `IllegalTransition`."""
    try:
        return _TARGETS[from_state, event]
    except KeyError:
        raise IllegalTransition(from_state, event) from None


def next_state(from_state: State | None, event: Event, to_state: State | None = None) -> State:
    """Return the state after `event`, or raise `IllegalTransition`.

    `to_state` chooses where the table leaves a choice (a failed generation is queued again or compensated).
    """
    targets = next_states(from_state, event)
    if to_state is None and len(targets) == 1:
        return targets[0]
    if to_state not in targets:
        raise IllegalTransition(from_state, event, to_state)
    return to_state
