"""A small world around one job: its row, its lease, its credits, its workers and the provider.

Time is three facts: whether the job is due, whether its deadline has passed, and whether the search for a lost
submission has taken long enough.

A mutant replaces one of the real rules. Four promises stand in SQL and are assumed here: the fence of a lease
(`record_moves.sql`), the fence of a search by a webhook (`take_webhook.sql`), one settlement per ledger entry, and the
refund of a charge (`settle_credits.sql`). `tests/db/engine/test_broken_statements.py` breaks the real statements.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from statemachine import commands, relatives
from statemachine import outcomes as o
from statemachine.backoff import JobPolicy
from statemachine.decisions import Decision, decide, interrupt
from statemachine.steps import PAUSABLE_STATES, STEP_OF
from statemachine.vocabulary import State


class Violation(AssertionError):
    """A broken promise of the rules."""


class Job(NamedTuple):
    """The row. Counters stop where they no longer make a difference."""

    state: State
    accepted: int = 0
    failures: int = 0
    claims: int = 0
    canceled: bool = False


class Attempt(NamedTuple):
    """The current submission as the provider sees it.

    `status` is none, unsent, running, stuck (it never ends by itself), done, gone (its output), failed or ended;
    `known`: the job has its id. `named`: a webhook reported the id before the response. `excused`: a fenced
    worker sent it, or the job ended before its id was known.
    """

    status: str = "none"
    known: bool = False
    named: bool = False
    excused: bool = False

    @property
    def costs(self) -> bool:
        """Return True while the provider works on it."""
        return self.status in ("running", "stuck")


class Credits(NamedTuple):
    """One credit of the user: in the wallet, held for the job, or spent."""

    wallet: int = 0
    held: int = 1
    spent: int = 0


class Worker(NamedTuple):
    """A worker with a claim: the job as it read it, its phase, and the outcome that it is about to record.

    `current` becomes false when it is fenced off, `own` when another submission replaces its own.
    """

    seen: Job
    late: bool
    long: bool
    phase: str = "claimed"  # then, of a submission: beginning, begun; and always: decided
    outcome: o.Outcome | None = None
    current: bool = True
    own: bool = True


class World(NamedTuple):
    """The whole small world. `orphans`: an earlier submission still runs, and only the rules can be to blame.

    `used`: the user made something else from the output. `for_review`: a compensating action needs review. `redrives`
    and `reviews` count the interventions that support has left.
    """

    job: Job
    leased: str = "no"  # no, live or ended
    due: str | None = "now"  # now, later, or None once the job has ended
    attempt: Attempt = Attempt()
    orphans: bool = False
    workers: tuple[Worker, ...] = ()
    late: bool = False
    long: bool = False
    objects: bool = False
    spilled: bool = False
    credits: Credits = Credits()
    pause: str = "not yet"  # not yet, on or over
    used: bool = False
    for_review: bool = False
    redrives: int = 1
    reviews: int = 1


Next = tuple[str, World]


def is_pausable(state: State) -> bool:
    """Return True if a pause of its step keeps a job in this state from being claimed."""
    return state in STEP_OF and state in PAUSABLE_STATES[STEP_OF[state]]


@dataclass(frozen=True)
class Rules:
    """The rules under examination, and how large the world is. A mutant replaces one of them.

    The functions are the real ones.
    """

    policy: JobPolicy = field(default_factory=lambda: JobPolicy(delays_s=(5.0,), attempts_max=2, claims_max=2))
    decide: Callable[..., Decision] = decide
    interrupt: Callable[..., Decision | None] = interrupt
    cancel: Callable[..., Decision | None] = commands.cancel
    execute_cancel: Callable[..., Decision | None] = commands.execute_cancel
    redrive: Callable[..., Decision | None] = commands.redrive
    undo_again: Callable[..., Decision | None] = commands.undo_again
    after_parent: Callable[..., Decision | None] = relatives.after_parent
    roll_back: Callable[..., Decision | None] = relatives.roll_back
    is_pausable: Callable[[State], bool] = is_pausable
    workers_max: int = 2
