"""Pausing steps, and their status for support."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from db.statements import statement
from db.tables import paused_steps
from statemachine.steps import PAUSABLE_STATES
from statemachine.vocabulary import State, Step


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause of a step: since when, by whom and why."""

    step: Step
    paused_at: datetime
    paused_by: str
    reason: str | None

    def applies_to(self, state: State) -> bool:
        """Return True if jobs of the step in this state wait until it is resumed."""
        return state in PAUSABLE_STATES[self.step]


@dataclass(frozen=True, slots=True)
class StepStatus:
    """A step's due jobs, the oldest of them, jobs in hand, and jobs whose workers vanished."""

    step: Step
    due: int = 0
    oldest_due_at: datetime | None = None
    in_hand: int = 0
    abandoned: int = 0
    pause: Pause | None = None


def pause_step(conn: Connection, step: Step, *, by: str, reason: str | None) -> Pause:
    """Keep every worker from starting jobs of a step. Pausing again replaces the actor and the reason.

    Work in progress continues, submissions that may have been paid for are still searched for, and jobs end at their
    deadlines.
    """
    given = {"paused_by": by, "reason": reason}
    row = conn.execute(
        upsert(paused_steps)
        .values(step=step, states=list(PAUSABLE_STATES[step]), paused_at=func.diorama_now(), **given)
        .on_conflict_do_update(index_elements=["step"], set_=given)
        .returning(paused_steps)
    ).one()
    return Pause(Step(row.step), row.paused_at, row.paused_by, row.reason)


def resume_step(conn: Connection, step: Step) -> bool:
    """Let a step be claimed again; return False if it was not paused."""
    return conn.execute(delete(paused_steps).where(paused_steps.c.step == step)).rowcount > 0


def pauses(conn: Connection) -> dict[Step, Pause]:
    """Return the steps that are paused."""
    rows = conn.execute(select(paused_steps))
    return {Step(row.step): Pause(Step(row.step), row.paused_at, row.paused_by, row.reason) for row in rows}


def step_statuses(conn: Connection) -> list[StepStatus]:
    """Return the status of each step."""
    paused = pauses(conn)
    known = {
        Step(row.step): StepStatus(Step(row.step), row.due, row.oldest_due_at, row.in_hand, row.abandoned)
        for row in conn.execute(statement("step_statuses"))
    }
    return [replace(known.get(step, StepStatus(step)), pause=paused.get(step)) for step in Step]
