"""Submit: commit the intent, make the paid call once, and say what is known of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from db.elapsed import Instant
from db.engine.claims import ClaimedJob
from db.engine.recording import Move
from db.engine.row_changes import AttemptBegun, AttemptChanged
from db.engine.spending import spend_of
from jobs.engine.move_log import log_move
from jobs.prompts import NoPrompt, Prompt
from jobs.providers.choice import NoModel
from jobs.providers.correlation import carries
from jobs.providers.profiles import Profile
from jobs.providers.provider import NotSent, ProviderError, Submission
from jobs.steps.failures import storage_failure
from jobs.steps.models import model_for, with_next_model
from jobs.steps.poll_times import first_poll
from jobs.steps.result import Work
from jobs.steps.runtime import Runtime
from statemachine.decisions import move
from statemachine.outcomes import Accepted, Failure, Outcome, OutcomeLost, Refused, Rejected, RetryPolicy, StepFailed
from statemachine.vocabulary import ErrorCode, Event, State, Step
from storage import StorageError

Submitted = Accepted | Refused | Rejected | OutcomeLost

_CAP_REACHED = Failure(
    ErrorCode.PROVIDER_UNAVAILABLE,
    "The picture service failed too often. Please try again later.",
    RetryPolicy.NEVER,
    "another submission could cost more than the job's spend cap allows",
)

_HELD_UP = Failure(
    ErrorCode.INTERNAL, "Something went wrong on our side. We keep trying.", RetryPolicy.WAIT, retry_after_s=1.0
)

# The provider fetches the input soon after it has accepted the job; a slow queue there may take a while.
_INPUT_URL_LASTS_S = 3600


def submit(job: ClaimedJob, runtime: Runtime) -> Work | None:
    """Submit a queued job, or return None where the claim was lost before anything was spent."""
    try:
        profile = model_for(job, runtime)
        prompt = runtime.prompts.prompt_for(job, profile.prompt_family)
    except NoModel as error:
        return Work(job, Rejected(Failure(ErrorCode.INTERNAL, error.message, RetryPolicy.NEVER, error.detail)))
    except NoPrompt as error:
        message = "This theme is not offered any more. Please choose another one."
        return Work(job, Rejected(Failure(ErrorCode.INPUT_INVALID, message, RetryPolicy.NEVER, str(error))))
    if len(prompt.text) > profile.prompt_characters_max:
        return Work(job, Rejected(_too_long(prompt, profile)))
    if job.input_key is None:
        message = "The picture this was to be made from is no longer kept. Please begin again with a new one."
        return Work(job, Rejected(Failure(ErrorCode.INPUT_EXPIRED, message, RetryPolicy.NEVER)))
    if not _affords(job, profile, runtime):
        return Work(job, StepFailed(_CAP_REACHED))
    try:
        return _submit_once(job, job.input_key, profile, prompt, runtime)
    except StorageError as error:
        return Work(job, StepFailed(storage_failure(error)))
    except ProviderError as error:
        # The picture could not be uploaded. Nothing was spent, and nothing can have been taken.
        return Work(job, StepFailed(error.failure))


def _too_long(prompt: Prompt, profile: Profile) -> Failure:
    """Return the failure of a prompt that the model would refuse; a theme file sets no limit to its texts."""
    message = "This theme and these words are too much together. Please use fewer words or another theme."
    detail = f"a prompt of {len(prompt.text)} characters: {profile.model} takes {profile.prompt_characters_max}"
    return Failure(ErrorCode.INPUT_INVALID, message, RetryPolicy.NEVER, detail)


def _affords(job: ClaimedJob, profile: Profile, runtime: Runtime) -> bool:
    """Return whether another submission stays within the job's spend cap; the first one always does."""
    if job.attempt == 0:
        return True
    with runtime.engine.connect() as conn:
        spend = spend_of(conn, job.id)
    return spend.affords(profile.price(job.kind, job.duration_s), runtime.policy.spend_cap_micros)


def _submit_once(job: ClaimedJob, input_key: str, profile: Profile, prompt: Prompt, runtime: Runtime) -> Work | None:
    """Commit the intent, then make the paid call; None where the claim was lost before that."""
    token = uuid4()
    # Before the intent is committed: where there is no picture, there is no call to be unsure of.
    picture = runtime.inputs.address(input_key, token, expires_s=_INPUT_URL_LASTS_S)
    sent = model_input(job, token, profile, prompt, picture, runtime.secrets)
    attempt = _attempt(job, token, profile, prompt, picture, sent)
    due_in_s = first_poll(job, profile, runtime)
    # The lease begins anew with the commit, so by this clock it ends a little earlier than it does.
    began = runtime.instant()
    submitting = _committed(job, attempt, runtime)
    if submitting is None:
        return None
    submission = Submission(
        model=profile.model,
        input=sent,
        token=token,
        cancel_after=profile.cancel_after,
        webhook=runtime.webhook_for(token),
        final_check=partial(_check_lease, began, runtime),
    )
    return _called_work(submitting, submission, due_in_s, runtime)


def _committed(job: ClaimedJob, attempt: AttemptBegun, runtime: Runtime) -> ClaimedJob | None:
    """Commit the intent and return the job as it is then, or None where the claim was lost."""
    begun = _begin(job, attempt, runtime.leases.of(Step.SUBMIT))
    moved = runtime.recorder.record_now(begun)
    log_move(job, begun, moved)
    if moved is None:
        return None
    return job.changed(
        state=State.SUBMITTING,
        attempt=attempt.attempt,
        token=attempt.token,
        model=attempt.model,
        attempt_started_at=moved.at,
        prediction_id=None,
        output_urls=(),
        source_key=None,
        listed_at=None,
        sighting=None,
    )


def _called_work(
    job: ClaimedJob, submission: Submission, due_in_s: Callable[[Accepted], float], runtime: Runtime
) -> Work:
    """Make the paid call and return what is to be recorded of it; the limiter is notified afterwards."""
    outcome, seen = _called(submission, runtime)
    match outcome:
        case Accepted():
            outcome = replace(outcome, poll_after_s=due_in_s(outcome))
        case Refused(failure):
            outcome = Refused(with_next_model(job, failure, runtime))
    return Work(job, outcome, (_seen(job, outcome),), afterwards=partial(runtime.limiter.observe, seen))


def _called(submission: Submission, runtime: Runtime) -> tuple[Submitted, Submitted | None]:
    """Make the paid call unless it comes too late; return its outcome, and the limiter's view of it: None if unsent."""
    try:
        outcome = runtime.provider.submit(submission)
    except NotSent as late:
        return Refused(replace(_HELD_UP, detail=str(late))), None
    return outcome, outcome


def _check_lease(began: Instant, runtime: Runtime) -> None:
    """Raise NotSent unless the lease outlasts the wait for an answer.

    A worker that was stopped since its intent was committed may have been taken for dead: another one then looks for
    the call in the provider's list, does not find it, and pays.
    """
    passed_s = runtime.instant().since(began)
    if passed_s > runtime.leases.usual.total_seconds():
        raise NotSent(f"{passed_s:.1f} s have passed since the intent was committed; nothing was sent")


def _attempt(
    job: ClaimedJob, token: UUID, profile: Profile, prompt: Prompt, picture: str, sent: dict[str, Any]
) -> AttemptBegun:
    """Return the attempt as it is written before the call: a fresh token, the price set aside, how to find it again."""
    # An address that holds the token is a signed one: it is recognized by that, and no signature is kept.
    picture_url = None if carries(picture, token) else picture
    return AttemptBegun(
        job_id=job.id,
        attempt=job.attempt + 1,
        token=token,
        model=profile.model,
        prompt_version=prompt.version,
        reserved_micros=profile.price(job.kind, job.duration_s),
        picture_url=picture_url,
        is_traceable=picture_url is not None or carries(sent, token),
        experiment=prompt.experiment,
        variant=prompt.variant,
    )


def _begin(job: ClaimedJob, attempt: AttemptBegun, lease_for: timedelta) -> Move:
    """Return the intent, as it is committed before the call, with the lease begun anew."""
    decision = move(job.facts, Event.SUBMIT_STARTED, due_in=timedelta(0))
    return Move(
        job.claim, job.state, decision, attempts_begun=1, keep_lease=True, lease_for=lease_for, row_changes=(attempt,)
    )


def model_input(
    job: ClaimedJob, token: UUID, profile: Profile, prompt: Prompt, picture: str, secrets: dict[str, str]
) -> dict[str, Any]:
    """Return the model's own inputs for a job. `picture` is an address the provider can read."""
    names = profile.inputs
    given: dict[str, Any] = {**profile.constants(job.kind, job.duration_s), names["prompt"]: prompt.text}
    if "images" in names:
        given[names["images"]] = [picture]
    if "image" in names:
        given[names["image"]] = picture
    if "token" in names:
        given[names["token"]] = str(token)
    if profile.secret is not None:
        given[names["secret"]] = secrets[profile.secret]
    return given


def _seen(job: ClaimedJob, outcome: Outcome) -> AttemptChanged:
    """Return the change to the attempt's row after the call."""
    match outcome:
        case Accepted(prediction_id, _, created_at):
            return AttemptChanged(job.id, job.attempt, "running", prediction_id=prediction_id, listed_at=created_at)
        case Refused(failure):
            return AttemptChanged(job.id, job.attempt, "refused", error_detail=failure.detail)
        case Rejected(failure):
            return AttemptChanged(job.id, job.attempt, "rejected", error_detail=failure.detail)
        case OutcomeLost(reason):
            return AttemptChanged(job.id, job.attempt, "lost", error_detail=reason)
        case _:
            raise TypeError(f"a submission cannot end as {outcome!r}")
