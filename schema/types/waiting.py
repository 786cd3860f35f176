"""Why nothing is happening to a job right now, as honestly as its row tells."""

from __future__ import annotations

from datetime import UTC, datetime

import strawberry

from db.jobs import Job
from db.pausing import Pause
from schema.types.enums import WaitKind
from statemachine.states import State

_AT_WORK = frozenset({State.SUBMITTING, State.SUCCEEDED, State.FAILED, State.CANCELED})


@strawberry.type(description="Why nothing is happening to a job right now.")
class WaitReason:
    kind: WaitKind
    until: datetime | None = strawberry.field(description="When it is looked at next, where that is known.")
    message: str

    @classmethod
    def of(cls, job: Job, pause: Pause | None = None) -> WaitReason | None:
        """Return why a job waits; None while a worker has it in hand, and once it has ended.

        `pause` is that of its next step, if that is paused.
        """
        if job.claimed_by is not None or job.state in _AT_WORK:
            return None
        if job.state is State.WAITING:
            return cls(kind=WaitKind.PARENT, until=None, message="What this is made from is not finished yet.")
        if pause is not None:
            return cls(kind=WaitKind.PAUSED, until=None, message="This step is paused for now; it goes on by itself.")
        if job.due_at is None or job.due_at <= datetime.now(UTC):
            return cls(kind=WaitKind.TURN, until=None, message="It waits for a free worker.")
        return cls._until(job.state, job.due_at)

    @classmethod
    def _until(cls, state: State, due_at: datetime) -> WaitReason:
        if state is State.GENERATING:
            return cls(kind=WaitKind.PROVIDER, until=due_at, message="The provider is working on it.")
        if state is State.RECONCILING:
            message = "It is not known whether the provider took it; that is looked for before paying again."
            return cls(kind=WaitKind.RECONCILING, until=due_at, message=message)
        return cls(
            kind=WaitKind.BACK_OFF, until=due_at, message="An earlier try did not succeed; the next one follows."
        )
