"""Poll: find out the state of a running prediction, from a sighting of its end or from the provider itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from math import exp

from sqlalchemy import Engine

from db.elapsed import Instant, this_instant
from db.engine.claims import ClaimedJob
from db.engine.row_changes import AttemptChanged
from db.engine.tracking import unseen_for_s
from jobs.providers import failures
from jobs.providers.limiter import Limiter, NoLimiter
from jobs.providers.profiles import Profile, profiles
from jobs.providers.progress import progress_of
from jobs.providers.provider import Prediction, Provider, ProviderError
from jobs.steps.lost import LIST_SETTLES_AFTER_S
from jobs.steps.models import Models
from jobs.steps.price import price_of_attempt
from jobs.steps.result import Work
from jobs.tracking.poll_times import PollTimes
from jobs.tracking.sightings import ended_prediction
from statemachine.outcomes import Failure, GenerationFailed, OutputReady, StepFailed, StillRunning
from statemachine.steps import SERVED
from statemachine.vocabulary import State

_NOT_FOUND = 404
# What the history says of a look that found nothing, by which the next one knows of it.
_UNSEEN = "the provider does not know the prediction at present"


@dataclass(frozen=True, slots=True)
class PollParts:
    """The collaborators of the poll step."""

    engine: Engine
    provider: Provider
    models: Models
    times: PollTimes = field(default_factory=PollTimes)
    limiter: Limiter = field(default_factory=NoLimiter)
    list_settles_after_s: float = LIST_SETTLES_AFTER_S
    instant: Callable[[], Instant] = this_instant


def poll(job: ClaimedJob, parts: PollParts) -> Work:
    """Return the state of the current attempt's prediction: from a sighting of its end, or else from the provider.

    While a webhook or the watcher will report the end, return only the progress, without calling the provider.
    """
    return _reported(_looked(job, parts), parts)


def _reported(work: Work, parts: PollParts) -> Work:
    """Add the report to the limiter, and the next model: the end of a prediction tells of the account and the model."""
    match work.outcome:
        case OutputReady():
            return replace(work, afterwards=partial(parts.limiter.observe_end, None))
        case GenerationFailed(failure, cost_micros):
            gone = parts.models.gone_in(work.job, work.job.attempt - 1)
            outcome = GenerationFailed(parts.models.with_next(work.job, failure, gone), cost_micros)
            return replace(work, outcome=outcome, afterwards=partial(parts.limiter.observe_end, failure))
    return work


def _looked(job: ClaimedJob, parts: PollParts) -> Work:
    if job.prediction_id is None:
        raise LookupError(f"job {job.id} is generating without a prediction")
    elapsed_s = (job.now(parts.instant()) - (job.accepted_at or job.entered_at)).total_seconds()
    listed = ended_prediction(job.prediction_id, job.sighting)
    if listed is not None:
        return _seen(job, listed, elapsed_s, parts)
    profile = profiles()[job.model or ""]
    decision = parts.times.decision(job, elapsed_s, profile)
    if not decision.is_due:
        progress = job.sighting["progress"] if job.sighting else None
        return Work(job, StillRunning(_percent(job, elapsed_s, progress, profile, parts), decision.again_in_s))
    try:
        prediction = parts.provider.get(job.prediction_id)
    except ProviderError as error:
        return _unseen(job, job.prediction_id, error.failure, elapsed_s, parts)
    return _seen(job, prediction, elapsed_s, parts)


def _unseen(job: ClaimedJob, prediction_id: str, failure: Failure, elapsed_s: float, parts: PollParts) -> Work:
    """Handle a poll that did not find the prediction: usually, poll again.

    A prediction that the provider no longer has will not come back, but a single 404 does not prove that: a young one
    may not have reached every server yet, and an old one may be missing on one of them. So polling goes on for as long
    as the provider's list takes to settle. A prediction that is given up is canceled all the same and counts as paid.
    """
    if failure.status != _NOT_FOUND:
        return Work(job, StepFailed(failure))
    with parts.engine.connect() as conn:
        unseen_s = unseen_for_s(conn, job.id, _UNSEEN)
    # Below 0 the clock was set back, and the real time is unknown.
    if unseen_s is None or 0 <= unseen_s < parts.list_settles_after_s:
        again_in_s = max(1.0, parts.list_settles_after_s - (unseen_s or 0.0))
        return Work(job, StepFailed(failures.busy(_UNSEEN, again_in_s)))
    gone = failures.output_expired("the provider no longer knows the prediction")
    return _given_up(job, prediction_id, gone, elapsed_s, parts)


def _seen(job: ClaimedJob, prediction: Prediction, elapsed_s: float, parts: PollParts) -> Work:
    # A prediction that still says "processing" may already have all of its output: this is its end.
    if prediction.output:
        return _ready(job, prediction, elapsed_s)
    if prediction.is_running:
        return _running(job, prediction, elapsed_s, parts)
    return _without_output(job, prediction, elapsed_s)


def _ready(job: ClaimedJob, prediction: Prediction, elapsed_s: float) -> Work:
    changed = AttemptChanged(
        job.id,
        job.attempt,
        "succeeded",
        output_urls=prediction.output,
        cost_micros=price_of_attempt(job),
        took_s=_took_s(job, prediction, elapsed_s),
    )
    return Work(job, OutputReady(prediction.output, price_of_attempt(job)), (changed,))


def _without_output(job: ClaimedJob, prediction: Prediction, elapsed_s: float) -> Work:
    """Return the failure of a prediction that ended without an output, and its cost."""
    match prediction.status:
        case "succeeded":
            return _paid_failure(job, _missing_output(prediction))
        case "failed":
            outcome = GenerationFailed(failures.of_prediction_error(prediction.error or ""))
            return _failed(job, outcome, 0, _took_s(job, prediction, elapsed_s))
        case "canceled":
            # No cancel came from here, or the job would not be generating: the provider's deadline ended it.
            return _paid_failure(job, failures.timed_out(elapsed_s))
        case _:
            return _failed(job, GenerationFailed(failures.timed_out(elapsed_s)), 0)


def _missing_output(prediction: Prediction) -> Failure:
    """Return the reason why a success has no output. Only a content check leaves nothing at all."""
    if prediction.data_removed:
        return failures.output_expired("the provider has removed the output")
    return failures.odd_output(prediction.oddity) if prediction.oddity else failures.empty_output()


def _paid_failure(job: ClaimedJob, failure: Failure) -> Work:
    return _failed(job, GenerationFailed(failure, price_of_attempt(job)), price_of_attempt(job))


def _took_s(job: ClaimedJob, prediction: Prediction, elapsed_s: float) -> float | None:
    # What a stand-in takes says nothing about the model.
    if job.is_test:
        return None
    return elapsed_s if prediction.took_s is None else prediction.took_s


def _running(job: ClaimedJob, prediction: Prediction, elapsed_s: float, parts: PollParts) -> Work:
    profile = profiles()[job.model or ""]
    # The provider ends it itself; a prediction that runs on regardless is given up a little later.
    if elapsed_s > profile.cancel_after_s * 1.2 + 60:
        return _given_up(job, prediction.id, failures.timed_out(elapsed_s), elapsed_s, parts)
    percent = _percent(job, elapsed_s, progress_of(prediction.logs), profile, parts)
    running = StillRunning(percent, parts.times.decision(job, elapsed_s, profile).again_in_s)
    return Work(job, running, _placed(job, prediction))


def _given_up(job: ClaimedJob, prediction_id: str, why: Failure, elapsed_s: float, parts: PollParts) -> Work:
    """Cancel what nothing more is expected of, and book it: another attempt must not run, and cost, beside it."""
    try:
        ended = parts.provider.cancel(prediction_id)
    except ProviderError as error:
        return Work(job, StepFailed(error.failure))
    if ended is not None and not ended.is_running:
        return _seen(job, ended, elapsed_s, parts)
    return _paid_failure(job, why)


def _placed(job: ClaimedJob, prediction: Prediction) -> tuple[AttemptChanged, ...]:
    """Return the row change that places a prediction in the provider's list, if its create response was lost."""
    if job.listed_at is not None or prediction.created_at is None:
        return ()
    return (AttemptChanged(job.id, job.attempt, "running", listed_at=prediction.created_at),)


def _failed(job: ClaimedJob, outcome: GenerationFailed, cost_micros: int, took_s: float | None = None) -> Work:
    changed = AttemptChanged(
        job.id, job.attempt, "failed", cost_micros=cost_micros, error_detail=outcome.failure.detail, took_s=took_s
    )
    return Work(job, outcome, (changed,))


def _percent(job: ClaimedJob, elapsed_s: float, progress: float | None, profile: Profile, parts: PollParts) -> int:
    """Return the progress of the whole job: what the model prints, or else by the clock.

    By the clock it gets ever slower towards the next state, and is most of the way at the usual time.
    """
    start, end = SERVED[State.GENERATING].percent
    if progress is None:
        progress = 1 - exp(-1.5 * elapsed_s / parts.times.usual(profile, job.duration_s).middle_s)
    return start + int((end - start) * progress)
