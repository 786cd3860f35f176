"""Compensate: undo what a job has left behind, at the provider and in our storage.

What is to be undone are rows, written when the job began to compensate. Credits and parents are settled by the
transaction in which the job ends; what is left for this step is what lies outside of Postgres. Each action may be
done twice. One that fails is tried again with the step; after `TRIES_MAX` it is held for a person to review, and the
job ends without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from db.claims import ClaimedJob
from db.compensations import PendingAction, pending_actions
from db.effects import ActionTried, AttemptChanged, Effect
from jobs.providers.provider import ProviderTrouble
from jobs.runtime import Runtime
from jobs.steps.trouble import storage_failure, surprise
from jobs.steps.work import Work
from statemachine.outcomes import Cure, Failure, StepFailed, Undone
from storage import StorageError
from storage.keys import job_prefix

log = structlog.get_logger(__name__)

TRIES_MAX = 6


def compensate(job: ClaimedJob, runtime: Runtime) -> Work:
    """Try everything that is still to be undone, and say whether anything has to be tried again."""
    with runtime.engine.connect() as conn:
        pending = pending_actions(conn, job.id)
    effects: list[Effect] = []
    again: Failure | None = None
    for action in pending:
        failure = _try(action, job, runtime)
        if failure is not None and not _is_last(action, failure):
            again = failure
        effects.extend(_seen(job, action, failure))
    return Work(job, StepFailed(again) if again else Undone(), tuple(effects))


def _try(action: PendingAction, job: ClaimedJob, runtime: Runtime) -> Failure | None:
    """Undo one thing; return why that did not work, or None. A surprise is logged and counts like the rest."""
    try:
        _DO[action.action](action, job, runtime)
    except ProviderTrouble as trouble:
        return trouble.failure
    except StorageError as error:
        return storage_failure(error)
    except Exception as error:
        log.exception("undoing failed", job_id=str(job.id), undoing=action.action)
        return surprise(error)
    return None


def _cancel_prediction(action: PendingAction, job: ClaimedJob, runtime: Runtime) -> None:
    if job.prediction_id is not None and not action.ended:
        runtime.provider.cancel(job.prediction_id)


def _delete_objects(action: PendingAction, job: ClaimedJob, runtime: Runtime) -> None:
    found = (each.key for each in runtime.store.list(job_prefix(job.id)))
    runtime.store.delete(key for key in found if key != action.keep_key)


_DO: Mapping[str, Callable[[PendingAction, ClaimedJob, Runtime], None]] = {
    "cancel_prediction": _cancel_prediction,
    "delete_objects": _delete_objects,
}


def _is_last(action: PendingAction, failure: Failure) -> bool:
    """Whether an action is not tried again by itself: it was tried often enough, or the other side said never."""
    return action.tries + 1 >= TRIES_MAX or failure.cure is Cure.NEVER


def _seen(job: ClaimedJob, action: PendingAction, failure: Failure | None) -> tuple[Effect, ...]:
    """The rows that tell what came of an action."""
    if failure is not None:
        state = "held" if _is_last(action, failure) else "pending"
        told = failure.detail or failure.message
        return (ActionTried(job.id, action.cycle, action.action, state, last_error=told),)
    done = ActionTried(job.id, action.cycle, action.action, "done", _result(action))
    if action.action == "cancel_prediction" and not action.ended:
        return (done, AttemptChanged(job.id, job.attempt, "canceled"))
    return (done,)


def _result(action: PendingAction) -> str:
    if action.action == "cancel_prediction":
        return "it had ended by itself" if action.ended else "canceled"
    return "deleted, but for what a redrive can begin with" if action.keep_key else "deleted"
