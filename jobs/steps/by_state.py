"""The step of each state that a worker claims."""

from __future__ import annotations

from collections.abc import Callable

from db.engine.claims import ClaimedJob
from jobs.steps.compensate import compensate
from jobs.steps.poll import poll
from jobs.steps.reconcile import reconcile
from jobs.steps.result import Work
from jobs.steps.runtime import Runtime
from jobs.steps.store import store
from jobs.steps.submit import submit
from jobs.steps.transcode import transcode
from statemachine.vocabulary import State

STEPS: dict[State, Callable[[ClaimedJob, Runtime], Work | None]] = {
    State.QUEUED: submit,
    State.RECONCILING: reconcile,
    State.GENERATING: poll,
    State.STORING: store,
    State.TRANSCODING: transcode,
    State.COMPENSATING: compensate,
}
