"""Compensate: undo what a job left at the provider and in our storage.

Compensating actions are rows, written when the job began to compensate. The transaction that ends the job settles
credits and parents; this step does the rest, everything outside Postgres. Each action may run twice. An action that
fails is retried with the step; after `TRIES_MAX` it needs review by a person, and the job ends without it. So does one
that keeps killing its workers. A throttled call does not count as a try. A reviewed action may run much later, so it
applies to its own submission, whatever the job's current one is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Engine

from db.connection import WORKER_IDLE_IN_TRANSACTION_S
from db.elapsed import Instant, this_instant
from db.engine.claims import ClaimedJob
from db.engine.compensations import PendingAction, lock_undoing, pending_actions
from db.engine.row_changes import ActionTried, AttemptChanged, RowChange
from db.public_ids import IdKind, encode_id
from db.upkeep.shared_objects import named_by_files
from jobs.engine.lease_times import LeaseKeeper
from jobs.engine.leases import LeaseLost
from jobs.providers.provider import Prediction, Provider, ProviderError
from jobs.steps.failures import storage_failure, surprise
from jobs.steps.lost import LostSubmissions
from jobs.steps.price import price_of_attempt
from jobs.steps.result import Work
from statemachine.outcomes import Failure, RetryPolicy, StepFailed, Undone
from statemachine.vocabulary import ErrorCode, Step
from storage import S3Store, StorageError
from storage.keys import attempt_of, job_prefix

log = structlog.get_logger(__name__)

TRIES_MAX = 6
# The shortest wait before the cancel of a prediction that the provider did not know is repeated.
_AGAIN_IN_S = 5.0
_THROTTLED = 429


@dataclass(frozen=True, slots=True)
class Done:
    """The result of one action, and what the provider charges for the prediction that it canceled."""

    what: str
    charged_micros: int = 0


@dataclass(frozen=True, slots=True)
class CompensateParts:
    """The collaborators of the compensate step."""

    engine: Engine
    store: S3Store
    provider: Provider
    lost: LostSubmissions
    keeper: LeaseKeeper
    instant: Callable[[], Instant] = this_instant


def compensate(job: ClaimedJob, parts: CompensateParts) -> Work | None:
    """Try every pending action and return the results, with a failure if any of them must be retried.

    Return None if the lease was lost on the way: another worker compensates the job, or has done so.
    """
    with parts.engine.connect() as conn:
        pending = pending_actions(conn, job.id)
    try:
        with parts.keeper.keeping(job, Step.COMPENSATE) as lease:
            tried = []
            for action in pending:
                lease.check()
                tried.append((action, _try(action, _as_of(action, job), parts)))
    except LeaseLost:
        return None
    return _work_of(job, tried)


def left_for_review(job: ClaimedJob, reason: str, engine: Engine) -> tuple[RowChange, ...]:
    """Return the rows that leave a job's pending actions for review, because trying them kills the workers."""
    with engine.connect() as conn:
        pending = pending_actions(conn, job.id)
    return tuple(ActionTried(job.id, each.cycle, each.action, "needs_review", last_error=reason) for each in pending)


def _as_of(action: PendingAction, job: ClaimedJob) -> ClaimedJob:
    """Return the job as it was at the submission that an action is of."""
    return job.changed(
        attempt=action.attempt,
        token=action.token,
        model=action.model,
        prediction_id=action.prediction_id,
        attempt_started_at=action.started_at,
    )


def _work_of(job: ClaimedJob, tried: Iterable[tuple[PendingAction, Done | Failure]]) -> Work:
    row_changes: list[RowChange] = []
    again: Failure | None = None
    charged_micros = 0
    for action, came in tried:
        if isinstance(came, Failure) and came.status == _THROTTLED and came.retry_policy is RetryPolicy.WAIT:
            # A throttled call was not a try: wait for as long as the provider requests.
            again = came
            continue
        charged_micros += came.charged_micros if isinstance(came, Done) else 0
        if isinstance(came, Failure) and not _is_last(action, came):
            again = came
        row_changes.extend(_seen(job, action, came))
    return Work(job, StepFailed(again) if again else Undone(), tuple(row_changes), charged_micros=charged_micros)


def _try(action: PendingAction, job: ClaimedJob, parts: CompensateParts) -> Done | Failure:
    """Undo one thing; return what came of it, or why it did not work. A surprise is logged and counts like the rest."""
    try:
        return _DO[action.action](action, job, parts)
    except ProviderError as error:
        return error.failure
    except StorageError as error:
        return storage_failure(error)
    except LeaseLost:
        raise
    except Exception as error:
        log.exception("undoing failed", job_id=encode_id(IdKind.JOB, job.id), undoing=action.action)
        return surprise(error)


def _cancel_prediction(action: PendingAction, job: ClaimedJob, parts: CompensateParts) -> Done:
    if action.ended:
        return Done("it had ended already")
    if job.prediction_id is None:
        return _cancel_lost(action, job, parts)
    ended = _canceled(job.prediction_id, action, job, parts)
    if ended is None:
        return Done("the provider does not know it", price_of_attempt(job))
    return Done("canceled", _charged(ended, job))


def _canceled(prediction_id: str, action: PendingAction, job: ClaimedJob, parts: CompensateParts) -> Prediction | None:
    """Cancel a prediction and return its state afterwards, or None if the provider does not have it.

    A single 404 does not prove that: a young prediction may not have reached every server yet, and keep running. Raises
    ProviderError until the provider's list has settled, and always the first time.
    """
    ended = parts.provider.cancel(prediction_id)
    if ended is None and (action.tries == 0 or parts.lost.settles_in_s(job) > 0):
        again_in_s = max(_AGAIN_IN_S, parts.lost.settles_in_s(job))
        raise ProviderError(replace(_NOT_KNOWN_YET, retry_after_s=again_in_s))
    return ended


def _charged(prediction: Prediction, job: ClaimedJob) -> int:
    """Return the cost of a canceled prediction in micro-dollars: the full price if it has started and still runs."""
    if prediction.is_running:
        return price_of_attempt(job) if prediction.has_started else 0
    return prediction.charged(price_of_attempt(job))


def _cancel_lost(action: PendingAction, job: ClaimedJob, parts: CompensateParts) -> Done:
    """Cancel a submission whose outcome was lost, where it can be found; the orphan search is the net, and books it."""
    try:
        prediction_id = parts.lost.prediction_of(job)
    except ProviderError:
        return Done("the provider could not say whether it was taken; the orphan search goes on looking for it")
    if prediction_id is not None:
        stopped = _canceled(prediction_id, action, job, parts) is not None
        return Done("found and canceled" if stopped else "found; the orphan search books it")
    if (settles_in_s := parts.lost.settles_in_s(job)) <= 0:
        return Done("it was never taken")
    # Looked for three times until the provider's list has settled, so that one that was taken does not run for long.
    look_in_s = settles_in_s if action.tries else settles_in_s / 2
    raise ProviderError(replace(_NOT_KNOWN_YET, retry_after_s=look_in_s))


_NOT_KNOWN_YET = Failure(
    ErrorCode.SUBMISSION_UNCERTAIN,
    "We are making sure that nothing of it goes on.",
    RetryPolicy.WAIT,
    "the provider does not know it yet",
)


def _delete_objects(action: PendingAction, job: ClaimedJob, parts: CompensateParts) -> Done:
    """Delete the objects made up to the action's submission, under a lock on the job's row.

    A worker that was frozen on the way here may find that another one compensated the job, and that it has succeeded
    since under the same keys. Raises LeaseLost then.
    """
    found = [each.key for each in parts.store.list(job_prefix(job.id)) if _goes(each.key, action)]
    with parts.engine.begin() as conn:
        # Before the statement, but not before there was a connection for it.
        began = parts.instant()
        if not lock_undoing(conn, job.claim):
            raise LeaseLost(f"job {job.id} is not this worker's to undo any more")
        named = named_by_files(conn, found)
        parts.store.delete(_while_still((key for key in found if key not in named), began, parts))
    return Done("deleted, but for what a redrive can begin with" if action.keep_key else "deleted")


def _goes(key: str, action: PendingAction) -> bool:
    return key != action.keep_key and (attempt_of(key) or 0) <= action.attempt


def _while_still(keys: Iterable[str], began: Instant, parts: CompensateParts) -> Iterator[str]:
    """Yield the keys for as long as Postgres keeps the lock of a frozen worker."""
    for key in keys:
        if parts.instant().since(began) >= WORKER_IDLE_IN_TRANSACTION_S:
            raise LeaseLost("the job may have been let go meanwhile")
        yield key


_DO: Mapping[str, Callable[[PendingAction, ClaimedJob, CompensateParts], Done]] = {
    "cancel_prediction": _cancel_prediction,
    "delete_objects": _delete_objects,
}


def _is_last(action: PendingAction, failure: Failure) -> bool:
    """Return whether this was the last automatic try: the tries are used up, or a retry cannot help."""
    return action.tries + 1 >= TRIES_MAX or failure.retry_policy is RetryPolicy.NEVER


def _seen(job: ClaimedJob, action: PendingAction, came: Done | Failure) -> tuple[RowChange, ...]:
    """Return the rows that record the result of an action."""
    if isinstance(came, Failure):
        state = "needs_review" if _is_last(action, came) else "pending"
        return (ActionTried(job.id, action.cycle, action.action, state, last_error=came.detail or came.message),)
    done = ActionTried(job.id, action.cycle, action.action, "done", came.what)
    if action.action == "cancel_prediction" and not action.ended and action.prediction_id is not None:
        return (done, AttemptChanged(job.id, action.attempt, "canceled", cost_micros=came.charged_micros))
    return (done,)
