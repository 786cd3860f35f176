"""The table of steps: each fact about a step that the rest of the program needs, in one place.

No field has a default, so a new step states every one of them. The names below the table are derived from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from statemachine.transitions import FINISHING, TRANSITIONS
from statemachine.vocabulary import TERMINAL, Event, Kind, ProviderCall, State, Step


class Kept(Enum):
    """The result of earlier steps that lets a redrive begin at a state, without another payment."""

    OUTPUT = "output"  # at the provider, for about an hour
    SOURCE = "source"  # our copy of the output


@dataclass(frozen=True, slots=True)
class Served:
    """A state that a step serves.

    `percent` is the progress of the job at the beginning and at the end of the state. `deadline` is the longest time
    that a job may stay, None if only the job's deadline limits it; a state that no deadline ends has no transition for
    `deadline_passed`. A pause of the step stops the claims of its pausable states. A redrive begins at the first state
    in the table whose `resumes_with` is kept.
    """

    state: State
    percent: tuple[int, int]
    deadline: timedelta | None
    is_pausable: bool
    resumes_with: Kept | None


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A step: one queue with one actor, which claims the jobs in the states that the step serves.

    Of the jobs that a worker has claimed, those with the lowest `rank` go first: what is paid for before what is
    not. `thread_share` is the share of a worker's threads that the step may take, so that a slow one cannot starve
    the others. With a `long_share` the step has two lanes: one for pictures, and one of that share for animations,
    which take many times as long; 0 is for steps that take the same time for all. After a step that
    `writes_objects`, a worker that lost its lease deletes what it wrote. The jobs of a step that `is_paid_for` have
    a prediction that was accepted: to go back from there to the queue costs an attempt. `call` is the call of the
    provider whose budget the step uses, None if it waits for no budget. `description` says to callers what it does.
    """

    step: Step
    description: str
    serves: tuple[Served, ...]
    rank: int
    thread_share: float
    long_share: float
    writes_objects: bool
    is_paid_for: bool
    call: ProviderCall | None

    @property
    def submits(self) -> bool:
        """Return True if the step makes the paid call, which is not interrupted and which the breaker guards."""
        return self.call is ProviderCall.CREATE


STEP_SPECS: tuple[StepSpec, ...] = (
    StepSpec(
        Step.SUBMIT,
        description="Submits queued jobs to the provider, and searches for submissions whose response was lost.",
        serves=(
            # A waiting job is claimed only when its deadline passes before its parent is ready.
            Served(State.WAITING, percent=(0, 0), deadline=None, is_pausable=False, resumes_with=None),
            Served(State.QUEUED, percent=(0, 2), deadline=None, is_pausable=True, resumes_with=None),
            # Claimable again only after its lease ended: the outcome of the call was lost with the worker.
            # The lease bounds a submission, `JobPolicy.reconcile_for` the search for one. Neither is paused, because
            # the submission may have been paid for.
            Served(State.SUBMITTING, percent=(2, 5), deadline=None, is_pausable=False, resumes_with=None),
            Served(State.RECONCILING, percent=(2, 5), deadline=None, is_pausable=False, resumes_with=None),
        ),
        rank=3,
        thread_share=0.5,
        long_share=0,
        writes_objects=False,
        is_paid_for=False,
        call=ProviderCall.CREATE,
    ),
    StepSpec(
        Step.POLL,
        description="Asks the provider about predictions that are under way.",
        serves=(
            Served(
                State.GENERATING,
                # The provider's own progress fills the gap.
                percent=(5, 85),
                # Longer than any prediction may run; outputs are about to vanish by then.
                deadline=timedelta(minutes=90),
                is_pausable=True,
                resumes_with=None,
            ),
        ),
        rank=1,
        thread_share=1.0,
        long_share=0,
        writes_objects=False,
        is_paid_for=True,
        call=ProviderCall.READ,
    ),
    StepSpec(
        Step.STORE,
        description="Copies the provider's outputs into our storage.",
        serves=(
            Served(
                State.STORING,
                percent=(85, 90),
                # The provider removes outputs an hour after it has finished: later tries find nothing.
                deadline=timedelta(minutes=50),
                is_pausable=True,
                resumes_with=Kept.OUTPUT,
            ),
        ),
        # First, because an output vanishes an hour after it is made.
        rank=0,
        thread_share=0.5,
        long_share=0.25,
        writes_objects=True,
        is_paid_for=True,
        call=None,
    ),
    StepSpec(
        Step.TRANSCODE,
        description="Brings outputs to their exact size and format, and makes their smaller copies.",
        serves=(
            Served(
                State.TRANSCODING,
                percent=(90, 100),
                deadline=timedelta(hours=2),
                is_pausable=True,
                resumes_with=Kept.SOURCE,
            ),
        ),
        rank=2,
        thread_share=0.25,
        long_share=0.25,
        writes_objects=True,
        is_paid_for=True,
        call=None,
    ),
    StepSpec(
        Step.COMPENSATE,
        description="Undoes what failed, canceled and rolled-back jobs did.",
        serves=(Served(State.COMPENSATING, percent=(0, 0), deadline=None, is_pausable=True, resumes_with=None),),
        rank=1,
        thread_share=0.5,
        long_share=0,
        writes_objects=False,
        is_paid_for=False,
        call=None,
    ),
)


# Compared by identity, because lanes are the keys of hot lookups.
@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """A queue of a step: all its jobs, or its pictures or animations alone, and the share of the threads for them.

    The lanes of a step that has two serve the accounts in turn. `is_long` is None for the lane of a step that has one.
    """

    step: Step
    is_long: bool | None
    thread_share: float

    @property
    def queue(self) -> str:
        """Return the name of the queue for Dramatiq."""
        return f"{self.step}_long" if self.is_long else self.step


def _lanes_of(spec: StepSpec) -> tuple[Lane, ...]:
    if not spec.long_share:
        return (Lane(spec.step, None, spec.thread_share),)
    return Lane(spec.step, False, spec.thread_share), Lane(spec.step, True, spec.long_share)


def check(specs: tuple[StepSpec, ...]) -> None:
    """Raise ValueError unless each step has one row and each state that is not terminal is served once."""
    steps, states = [spec.step for spec in specs], [each.state for spec in specs for each in spec.serves]
    if sorted(steps) != sorted(Step):
        raise ValueError(f"the table of steps has {sorted(steps)}, and not each of {sorted(Step)} once")
    if sorted(states) != sorted(set(State) - TERMINAL):
        raise ValueError(f"the steps serve {sorted(states)}, and not each of {sorted(set(State) - TERMINAL)} once")


check(STEP_SPECS)

SPEC_OF: dict[Step, StepSpec] = {spec.step: spec for spec in STEP_SPECS}
LANES: tuple[Lane, ...] = tuple(lane for spec in STEP_SPECS for lane in _lanes_of(spec))
SERVED: dict[State, Served] = {each.state: each for spec in STEP_SPECS for each in spec.serves}
STEP_OF: dict[State, Step] = {each.state: spec.step for spec in STEP_SPECS for each in spec.serves}
PAUSABLE_STATES: dict[Step, tuple[State, ...]] = {
    spec.step: tuple(each.state for each in spec.serves if each.is_pausable) for spec in STEP_SPECS
}
# The progress of each state when a job enters it. A job that ends badly keeps the progress it had.
PERCENT_AT: dict[State, int] = {
    **{each.state: each.percent[0] for each in SERVED.values()},
    State.SUCCEEDED: 100,
    State.FAILED: 0,
    State.CANCELED: 0,
}
STATE_DEADLINES: dict[State, timedelta] = {
    each.state: each.deadline for each in SERVED.values() if each.deadline is not None
}
# The states that a deadline can end.
ENDED_BY_DEADLINE = frozenset(rule.from_state for rule in TRANSITIONS if rule.event is Event.DEADLINE_PASSED)
# The states whose steps write objects.
WRITING_STATES = frozenset(each.state for spec in STEP_SPECS if spec.writes_objects for each in spec.serves)
# The states of a job whose prediction has finished, in order.
FINISHING_STATES: tuple[State, ...] = tuple(each.state for each in FINISHING)
# Going back to the queue after these events means paying again.
COSTS_AN_ATTEMPT = frozenset(
    rule.event
    for rule in TRANSITIONS
    if rule.to_state is State.QUEUED and rule.from_state in STEP_OF and SPEC_OF[STEP_OF[rule.from_state]].is_paid_for
)
# The steps that a redriven job may begin with.
REDRIVEN_STEPS: tuple[Step, ...] = tuple(
    step
    for step in Step
    if any(rule.event is Event.REDRIVEN and STEP_OF[rule.to_state] is step for rule in TRANSITIONS)
)


def resuming_state(kept: Kept) -> State:
    """Return the state at which a redrive begins if this result is kept."""
    return next(each.state for each in SERVED.values() if each.resumes_with is kept)


def lane_of(step: Step, kind: Kind) -> Lane:
    """Return the lane of a step in which jobs of this kind wait."""
    return _LANE_OF[step, kind]


_LANE_OF = {
    (lane.step, kind): lane for lane in LANES for kind in Kind if lane.is_long in (None, kind is Kind.ANIMATION)
}
