"""The table of transitions: the one place where a move of a job is declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from statemachine.vocabulary import Event, State


class IllegalTransition(ValueError):
    """The table has no row for this move. Carries `from_state`, `event` and, where given, `to_state`.

    `event` is None for a step that says it is done in a state that no step can leave so.
    """

    def __init__(self, from_state: State | None, event: Event | None, to_state: State | None = None) -> None:
        self.from_state = from_state
        self.event = event
        self.to_state = to_state
        target = f" to {to_state}" if to_state else ""
        super().__init__(f"no transition from {from_state or 'new'} on {event or 'done'}{target}")


@dataclass(frozen=True, slots=True)
class Transition:
    """One legal move. `from_state` is None for the birth of a job."""

    from_state: State | None
    event: Event
    to_state: State


@dataclass(frozen=True, slots=True)
class FinishingState:
    """A state in which a step works on the output of a prediction that has finished.

    The event `done` leads to the next of these states, from the last one to `succeeded`. After the event `useless` the
    output is generated again, or the job compensates; None for a step that cannot find an output to be of no use.
    `description` and `done_description` say to callers what the state and its event mean, in a sentence.
    """

    state: State
    done: Event
    useless: Event | None
    description: str
    done_description: str


S, E = State, Event

# In the order in which a job passes through them. A new step that just succeeds or fails is one more row.
FINISHING: tuple[FinishingState, ...] = (
    FinishingState(
        S.STORING,
        done=E.STORED,
        useless=E.OUTPUT_GONE,
        description="The provider's output is being copied into our storage.",
        done_description="The provider's output is in our storage.",
    ),
    FinishingState(
        S.TRANSCODING,
        done=E.TRANSCODED,
        useless=E.OUTPUT_INVALID,
        description="The output is being brought to its exact size and format.",
        done_description="The result is ready.",
    ),
)


def _of_every_step(state: State) -> tuple[Transition, ...]:
    """Return the moves that each state has in which a step begins, pays for or makes something."""
    return (
        Transition(state, E.POSTPONED, state),  # parked, or the step failed in passing: again later
        Transition(state, E.CANCEL_REQUESTED, S.COMPENSATING),
        Transition(state, E.DEADLINE_PASSED, S.COMPENSATING),
        Transition(state, E.GAVE_UP, S.COMPENSATING),  # no retry is left, or its workers keep dying
    )


def _of_finishing() -> Iterator[Transition]:
    following = (*(each.state for each in FINISHING[1:]), S.SUCCEEDED)
    for each, next_one in zip(FINISHING, following, strict=True):
        yield Transition(each.state, each.done, next_one)
        if each.useless is not None:
            yield Transition(each.state, each.useless, S.QUEUED)
            yield Transition(each.state, each.useless, S.COMPENSATING)
        yield from _of_every_step(each.state)


def _of_redrives() -> Iterator[Transition]:
    """Yield the moves of a redrive to each state in which it may resume."""
    for ended in (S.FAILED, S.CANCELED):
        yield Transition(ended, E.REDRIVEN, S.WAITING)  # with its parent, which is made again first
        yield Transition(ended, E.REDRIVEN, S.QUEUED)
        yield from (Transition(ended, E.REDRIVEN, each.state) for each in FINISHING)


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
    Transition(S.QUEUED, E.REJECTED, S.COMPENSATING),  # unusable before any call: no model, no readable input
    Transition(S.QUEUED, E.CANCEL_EXECUTED, S.COMPENSATING),  # requested while its outcome was unknown
    *_of_every_step(S.QUEUED),
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
    Transition(S.GENERATING, E.OUTPUT_READY, FINISHING[0].state),
    Transition(S.GENERATING, E.GENERATION_FAILED, S.QUEUED),
    Transition(S.GENERATING, E.GENERATION_FAILED, S.COMPENSATING),
    Transition(S.GENERATING, E.CANCEL_EXECUTED, S.COMPENSATING),
    *_of_every_step(S.GENERATING),
    #
    *_of_finishing(),
    Transition(S.TRANSCODING, E.STILL_RUNNING, S.TRANSCODING),  # the encoder reports its progress
    #
    Transition(S.COMPENSATING, E.POSTPONED, S.COMPENSATING),
    Transition(S.COMPENSATING, E.UNDONE, S.FAILED),
    Transition(S.COMPENSATING, E.UNDONE, S.CANCELED),
    #
    *_of_redrives(),
    Transition(S.SUCCEEDED, E.ROLLED_BACK, S.COMPENSATING),
    Transition(S.FAILED, E.UNDO_RETRIED, S.COMPENSATING),  # support wants what could not be undone tried again
    Transition(S.CANCELED, E.UNDO_RETRIED, S.COMPENSATING),
)

# Moves that an earlier version made. The database keeps them, because histories have them and the earlier version may
# still run; no decision makes them.
RETIRED: tuple[Transition, ...] = ()

# The states that an event can lead to, by the state it happens in.
TARGETS: dict[tuple[State | None, Event], tuple[State, ...]] = {
    (t.from_state, t.event): tuple(
        other.to_state for other in TRANSITIONS if (other.from_state, other.event) == (t.from_state, t.event)
    )
    for t in TRANSITIONS
}


def next_states(from_state: State | None, event: Event) -> tuple[State, ...]:
    """Return every state that `event` can lead to from `from_state`, or raise `IllegalTransition`."""
    try:
        return TARGETS[from_state, event]
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
