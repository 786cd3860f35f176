"""Estimates: when a job will be ready, from how long the model's last predictions took. Pure.

None wherever nothing honest can be said: what is lost or being undone, and what has run for longer than any before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.tracking.durations import Usual
from statemachine.steps import FINISHING_STATES
from statemachine.vocabulary import State


@dataclass(frozen=True, slots=True)
class Way:
    """The progress of a job: when it was requested and is due, when the provider accepted it and when it was done.

    `parent_ready_at` is the estimate of what it waits for.
    """

    state: State
    created_at: datetime
    due_at: datetime | None = None
    accepted_at: datetime | None = None
    generated_at: datetime | None = None
    parent_ready_at: datetime | None = None


def ready_at(way: Way, usual: Usual, now: datetime) -> datetime | None:
    """Return when a job will have succeeded, as its model usually has it; None where nothing can be said."""
    match way.state:
        case State.WAITING if way.parent_ready_at is not None:
            return way.parent_ready_at + _seconds(usual.queued_s) + _from_the_start(usual)
        case State.QUEUED:
            begins_at = max(now, way.due_at or now, way.created_at + _seconds(usual.queued_s))
            return begins_at + _from_the_start(usual)
        case State.SUBMITTING:
            return now + _from_the_start(usual)
        case State.GENERATING if way.accepted_at is not None:
            remaining_s = usual.remaining_s((now - way.accepted_at).total_seconds())
            return None if remaining_s is None else now + _seconds(remaining_s + usual.finishing_s)
        case state if state in FINISHING_STATES and way.generated_at is not None:
            then = way.generated_at + _seconds(usual.finishing_s)
            return then if then > now else None
        case _:
            return None


def _from_the_start(usual: Usual) -> timedelta:
    return _seconds(usual.middle_s + usual.finishing_s)


def _seconds(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
