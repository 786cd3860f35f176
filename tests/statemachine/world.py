"""A small world around one job: its row, its lease, its credits, its workers and the provider.

Time is three facts: whether the job is due, whether its deadline has passed, and whether it has been looked for in
vain for long enough.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from statemachine import commands, relatives
from statemachine import outcomes as o
from statemachine.backoff import JobPolicy
from statemachine.decisions import Decision, decide, interrupt
from statemachine.vocabulary import State


class Violation(AssertionError):
    """Something happened that the rules promise never happens."""


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
    `known` is whether the job has its id; `named` whether a webhook has told it ahead of that; `excused` whether a
    worker sent it after others had taken over, and nobody has heard of it since.
    """

    status: str = "none"
    known: bool = False
    named: bool = False
    excused: bool = False

    @property
    def costs(self) -> bool:
        """Whether the provider is at work on it."""
        return self.status in ("running", "stuck")


class Credits(NamedTuple):
    """One credit of the user: what the wallet has of it, what is held for the job, and what it was charged."""

    wallet: int = 0
    held: int = 1
    spent: int = 0


class Worker(NamedTuple):
    """A worker with a claim: what it read, where it stands, and what it is about to record.

    `current` is false once its lease has grown without it, `own` once another submission has replaced its own.
    """

    seen: Job
    late: bool
    long: bool
    phase: str = "claimed"  # then, of a submission: beginning, begun; and always: decided
    outcome: o.Outcome | None = None
    current: bool = True
    own: bool = True


class World(NamedTuple):
    """Everything. `strays` tells whether an earlier submission still runs that nobody is to blame for but the rules.

    `pause` is whether the job's step is paused, or was; `used` whether the user made something else of the output;
    `for_review` whether something could not be undone and waits for a person. `redrives` and `reviews` are how often
    support still intervenes.
    """

    job: Job
    leased: str = "no"  # no, live or ended
    due: str | None = "now"  # now, later, or None once the job has ended
    attempt: Attempt = Attempt()
    strays: bool = False
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


@dataclass(frozen=True)
class Rules:
    """The rules under examination, and how large the world is. A mutant replaces one of them.

    The functions are the real ones. The switches are for what SQL, the ledger and the steps promise, and no decision is
    about: a stale lease writes nothing (`fenced`), undoing undoes (`undoes`), a paused step is neither claimed nor
    handed on to (`pauses`), a search that a webhook has overtaken is fenced off (`hears_names`), and the ledger settles
    each entry once and refunds a charge (`settles_once`, `refunds`).
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
    fenced: bool = True
    undoes: bool = True
    pauses: bool = True
    settles_once: bool = True
    refunds: bool = True
    hears_names: bool = True
    workers_max: int = 2
