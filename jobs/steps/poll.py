"""Poll: look at a running prediction. This is the truth; whatever else makes it faster is only a hint."""

from __future__ import annotations

from math import exp

from db.claims import ClaimedJob
from db.effects import AttemptChanged
from jobs.providers import failures
from jobs.providers.profiles import profiles
from jobs.providers.provider import Prediction, ProviderTrouble
from jobs.runtime import Runtime
from jobs.steps.work import Work
from statemachine.decisions import PERCENT_AT
from statemachine.outcomes import GenerationFailed, OutputReady, StepFailed, StillRunning
from statemachine.states import State


def poll(job: ClaimedJob, runtime: Runtime) -> Work:
    """Ask how the current attempt's prediction stands."""
    if job.prediction_id is None:
        raise LookupError(f"job {job.id} is generating without a prediction")
    try:
        prediction = runtime.provider.get(job.prediction_id)
    except ProviderTrouble as trouble:
        return Work(job, StepFailed(trouble.failure))
    return _seen(job, prediction, runtime)


def _seen(job: ClaimedJob, prediction: Prediction, runtime: Runtime) -> Work:
    price = profiles()[job.model or ""].price(job.kind, job.duration_s)
    elapsed_s = (job.now - (job.accepted_at or job.entered_at)).total_seconds()
    if prediction.is_running and not prediction.output:
        return _running(job, elapsed_s, runtime)
    match prediction.status:
        # A prediction that still says "processing" may already hold all of its output.
        case _ if prediction.output:
            changed = AttemptChanged(job.id, job.attempt, "succeeded", output_urls=prediction.output, cost_micros=price)
            return Work(job, OutputReady(prediction.output, price), (changed,))
        case "succeeded" if prediction.data_removed:
            failure = failures.output_expired("the provider has removed the output")
            return _failed(job, GenerationFailed(failure, price), price)
        case "succeeded":
            return _failed(job, GenerationFailed(failures.empty_output(), price), price)
        case "failed":
            return _failed(job, GenerationFailed(failures.of_prediction_error(prediction.error or "")), 0)
        case "canceled":
            # Nobody here asked for it, or the job would not be generating: the provider's deadline ended it.
            return _failed(job, GenerationFailed(failures.timed_out(elapsed_s), price), price)
        case _:
            return _failed(job, GenerationFailed(failures.timed_out(elapsed_s)), 0)


def _running(job: ClaimedJob, elapsed_s: float, runtime: Runtime) -> Work:
    profile = profiles()[job.model or ""]
    # The provider ends it itself; a prediction that runs on regardless is given up a little later.
    if elapsed_s > profile.cancel_after_s * 1.2 + 60:
        return _failed(job, GenerationFailed(failures.timed_out(elapsed_s)), 0)
    look_in_s = runtime.look_in_s(runtime.polling.wait_s(elapsed_s), elapsed_s, profile.typical_s)
    return Work(job, StillRunning(_percent(elapsed_s, profile.typical_s), look_in_s))


def _failed(job: ClaimedJob, outcome: GenerationFailed, cost_micros: int) -> Work:
    changed = AttemptChanged(
        job.id, job.attempt, "failed", cost_micros=cost_micros, error_detail=outcome.failure.detail
    )
    return Work(job, outcome, (changed,))


def _percent(elapsed_s: float, typical_s: float) -> int:
    """Return the progress of the whole job: ever slower towards the next state, most of the way at the usual time."""
    start, end = PERCENT_AT[State.GENERATING], PERCENT_AT[State.STORING]
    return start + int((end - start) * (1 - exp(-1.5 * elapsed_s / typical_s)))
