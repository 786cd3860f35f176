"""Compensate: undo what a job has left behind, at the provider and in our storage.

What is to be undone are rows, written when the job began to compensate. Credits and parents are settled by the
transaction in which the job ends; what is left for this step is what lies outside of Postgres. Each action may be
done twice. One that fails is tried again with the step; after `TRIES_MAX` it is held for a person to review, and the
job ends without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from db.claims import ClaimedJob
from db.compensations import PendingAction, pending_actions
from db.effects import ActionTried, AttemptChanged, Effect
from jobs.providers.profiles import profiles
from jobs.providers.provider import Prediction, ProviderTrouble
from jobs.runtime import Runtime
from jobs.steps.reconcile import lost_prediction, settles_in_s_of
from jobs.steps.trouble import storage_failure, surprise
from jobs.steps.work import Work
from statemachine.outcomes import Cure, Failure, StepFailed, Undone
from statemachine.states import ErrorCode
from storage import StorageError
from storage.keys import job_prefix

log = structlog.get_logger(__name__)

TRIES_MAX = 6


@dataclass(frozen=True, slots=True)
class Done:
    """What came of undoing one thing, and what the provider is known to charge for what it undid."""

    what: str
    charged_micros: int = 0


def compensate(job: ClaimedJob, runtime: Runtime) -> Work:
    """Try everything that is still to be undone, and say whether anything has to be tried again."""
    with runtime.engine.connect() as conn:
        pending = pending_actions(conn, job.id)
    effects: list[Effect] = []
    again: Failure | None = None
    charged_micros = 0
    for action in pending:
        came = _try(action, job, runtime)
        charged_micros += came.charged_micros if isinstance(came, Done) else 0
        if isinstance(came, Failure) and not _is_last(action, came):
            again = came
        effects.extend(_seen(job, action, came))
    return Work(job, StepFailed(again) if again else Undone(), tuple(effects), charged_micros=charged_micros)


def _try(action: PendingAction, job: ClaimedJob, runtime: Runtime) -> Done | Failure:
    """Undo one thing; return what came of it, or why it did not work. A surprise is logged and counts like the rest."""
    try:
        return _DO[action.action](action, job, runtime)
    except ProviderTrouble as trouble:
        return trouble.failure
    except StorageError as error:
        return storage_failure(error)
    except Exception as error:
        log.exception("undoing failed", job_id=str(job.id), undoing=action.action)
        return surprise(error)


def _cancel_prediction(action: PendingAction, job: ClaimedJob, runtime: Runtime) -> Done:
    if action.ended:
        return Done("it had ended by itself")
    if job.prediction_id is None:
        return _cancel_lost(action, job, runtime)
    return Done("canceled", _charged(runtime.provider.cancel(job.prediction_id), job))


def _charged(prediction: Prediction | None, job: ClaimedJob) -> int:
    """What a prediction costs that was told to stop; one that has begun and has not stopped yet costs what it would."""
    profile = profiles().get(job.model or "")
    if prediction is None or profile is None:
        return 0
    price = profile.price(job.kind, job.duration_s)
    if prediction.is_running:
        return price if prediction.has_started else 0
    return prediction.charged(price)


def _cancel_lost(action: PendingAction, job: ClaimedJob, runtime: Runtime) -> Done:
    """Cancel a submission whose outcome was lost, where it can be found; the sweep is the net, and books it."""
    try:
        prediction_id = lost_prediction(job, runtime)
    except ProviderTrouble:
        return Done("the provider could not say whether it was taken; the sweep goes on looking for it")
    if prediction_id is not None:
        runtime.provider.cancel(prediction_id)
        return Done("found by its token and canceled")
    if (settles_in_s := settles_in_s_of(job, runtime)) <= 0:
        return Done("it was never taken")
    # Looked for three times until the provider's list has settled, so that one that was taken does not run for long.
    look_in_s = settles_in_s if action.tries else settles_in_s / 2
    raise ProviderTrouble(replace(_NOT_LISTED_YET, retry_after_s=look_in_s))


_NOT_LISTED_YET = Failure(
    ErrorCode.SUBMISSION_UNCERTAIN,
    "We are making sure that nothing of it goes on.",
    Cure.WAIT,
    "not in the provider's list yet",
)


def _delete_objects(action: PendingAction, job: ClaimedJob, runtime: Runtime) -> Done:
    found = (each.key for each in runtime.store.list(job_prefix(job.id)))
    runtime.store.delete(key for key in found if key != action.keep_key)
    return Done("deleted, but for what a redrive can begin with" if action.keep_key else "deleted")


_DO: Mapping[str, Callable[[PendingAction, ClaimedJob, Runtime], Done]] = {
    "cancel_prediction": _cancel_prediction,
    "delete_objects": _delete_objects,
}


def _is_last(action: PendingAction, failure: Failure) -> bool:
    """Whether an action is not tried again by itself: it was tried often enough, or the other side said never."""
    return action.tries + 1 >= TRIES_MAX or failure.cure is Cure.NEVER


def _seen(job: ClaimedJob, action: PendingAction, came: Done | Failure) -> tuple[Effect, ...]:
    """The rows that tell what came of an action."""
    if isinstance(came, Failure):
        state = "held" if _is_last(action, came) else "pending"
        return (ActionTried(job.id, action.cycle, action.action, state, last_error=came.detail or came.message),)
    done = ActionTried(job.id, action.cycle, action.action, "done", came.what)
    if action.action == "cancel_prediction" and not action.ended and job.prediction_id is not None:
        return (done, AttemptChanged(job.id, job.attempt, "canceled", cost_micros=came.charged_micros))
    return (done,)
