"""Submit: commit the intent, make the paid call once, and say what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import structlog

from db.elapsed import Instant, this_instant
from db.engine.claims import ClaimedJob
from db.engine.recording import Move
from db.engine.row_changes import AssetLost, AttemptBegun, AttemptChanged
from db.public_ids import IdKind, encode_id
from jobs.engine.lease_times import Leases
from jobs.engine.move_log import log_move
from jobs.engine.recorder import Recorder
from jobs.prompts import Prompt
from jobs.providers.correlation import carries
from jobs.providers.inputs import PictureInputs
from jobs.providers.limiter import Limiter, NoLimiter
from jobs.providers.profiles import Profile
from jobs.providers.provider import NotSent, Provider, ProviderError, Submission
from jobs.steps.failures import input_failure, storage_failure
from jobs.steps.prepare import Prepared, PrepareParts, prepare
from jobs.steps.price import price_of_attempt
from jobs.steps.result import Work
from jobs.tracking.poll_times import PollTimes
from statemachine.decisions import move
from statemachine.outcomes import Accepted, Failure, Outcome, OutcomeLost, Refused, Rejected, RetryPolicy, StepFailed
from statemachine.vocabulary import ErrorCode, Event, State, Step
from storage import ObjectAltered, ObjectMissing, StorageError

log = structlog.get_logger(__name__)

Submitted = Accepted | Refused | Rejected | OutcomeLost

_TOO_LATE = Failure(
    ErrorCode.INTERNAL, "Something went wrong on our side. We keep trying.", RetryPolicy.WAIT, retry_after_s=1.0
)

# The provider fetches the input soon after it has accepted the job; a slow queue there may take a while.
_INPUT_URL_LASTS_S = 3600


@dataclass(frozen=True, slots=True)
class SubmitParts:
    """The collaborators of the submit step. `secrets` are keys that travel in a model's input, by name."""

    prepare: PrepareParts
    provider: Provider
    inputs: PictureInputs
    recorder: Recorder
    times: PollTimes = field(default_factory=PollTimes)
    limiter: Limiter = field(default_factory=NoLimiter)
    leases: Leases = field(default_factory=Leases)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    public_url: str | None = None
    instant: Callable[[], Instant] = this_instant


def submit(job: ClaimedJob, parts: SubmitParts) -> Work | None:
    """Submit a queued job, or return None if the claim was lost before anything was spent."""
    prepared = prepare(job, parts.prepare)
    if not isinstance(prepared, Prepared):
        return Work(job, prepared)
    try:
        return _submit_once(job, prepared, parts)
    except (ObjectMissing, ObjectAltered) as error:
        return _without_input(job, prepared, error)
    except StorageError as error:
        return Work(job, StepFailed(storage_failure(error)))
    except ProviderError as error:
        # The picture could not be uploaded. Nothing was spent, and nothing can have been accepted.
        return Work(job, StepFailed(error.failure))


def _without_input(job: ClaimedJob, prepared: Prepared, error: ObjectMissing | ObjectAltered) -> Work:
    """End a job whose input cannot be believed; nothing was spent. A file known to be gone stops being ready."""
    log.error("the input of a job is not what was stored", job_id=encode_id(IdKind.JOB, job.id), reason=str(error))
    outcome = Rejected(input_failure(error))
    if job.input_id is None or not isinstance(error, ObjectMissing):
        return Work(job, outcome)
    return Work(job, outcome, (AssetLost(job.input_id, prepared.input_key),))


def _submit_once(job: ClaimedJob, prepared: Prepared, parts: SubmitParts) -> Work | None:
    """Commit the intent, then make the paid call; return None if the claim was lost before that."""
    token, profile = uuid4(), prepared.profile
    # Before the intent is committed: without a picture there is no call to be unsure of.
    picture = parts.inputs.address(prepared.input_key, prepared.content, token, expires_s=_INPUT_URL_LASTS_S)
    sent = model_input(job, token, profile, prepared.prompt, picture, parts.secrets)
    attempt = _attempt(job, token, profile, prepared.prompt, picture, sent)
    due_in_s = parts.times.first(job, profile)
    # The lease begins anew with the commit, so by this clock it ends a little earlier than it does.
    began = parts.instant()
    submitting = _committed(job, attempt, parts)
    if submitting is None:
        return None
    submission = Submission(
        model=profile.model,
        input=sent,
        token=token,
        cancel_after=profile.cancel_after,
        webhook=_webhook_for(token, parts.public_url),
        final_check=partial(_check_lease, began, parts),
    )
    return _called_work(_Call(submitting, submission, due_in_s, prepared.gone), parts)


def _webhook_for(token: UUID, public_url: str | None) -> str | None:
    """Return the URL at which the provider reports on the attempt with this token, or None without webhooks."""
    return None if public_url is None else f"{public_url}/webhooks/replicate?token={token}"


def _committed(job: ClaimedJob, attempt: AttemptBegun, parts: SubmitParts) -> ClaimedJob | None:
    """Commit the intent and return the job as it is then, or None where the claim was lost."""
    begun = _begin(job, attempt, parts.leases.of(Step.SUBMIT))
    moved = parts.recorder.record_now(begun)
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
        source_bytes=None,
        source_sha256=None,
        listed_at=None,
        sighting=None,
    )


@dataclass(frozen=True, slots=True)
class _Call:
    """The paid call, and everything that recording its outcome needs: nothing is read in between."""

    job: ClaimedJob
    submission: Submission
    due_in_s: Callable[[Accepted], float]
    gone: Set[str]


def _called_work(call: _Call, parts: SubmitParts) -> Work:
    """Make the paid call and return its outcome to be recorded; the limiter is notified afterwards."""
    outcome, seen = _called(call.submission, parts)
    match outcome:
        case Accepted():
            outcome = replace(outcome, poll_after_s=call.due_in_s(outcome))
        case Refused(failure):
            outcome = Refused(parts.prepare.models.with_next(call.job, failure, call.gone))
    return Work(call.job, outcome, (_seen(call.job, outcome),), afterwards=partial(parts.limiter.observe, seen))


def _called(submission: Submission, parts: SubmitParts) -> tuple[Submitted, Submitted | None]:
    """Make the paid call unless it comes too late; return its outcome, and the limiter's view of it: None if unsent."""
    try:
        outcome = parts.provider.submit(submission)
    except NotSent as late:
        return Refused(replace(_TOO_LATE, detail=str(late))), None
    return outcome, outcome


def _check_lease(began: Instant, parts: SubmitParts) -> None:
    """Raise NotSent unless the lease outlasts the wait for a response.

    A worker that was stopped after it committed its intent may count as dead: another one then searches the provider's
    list for the call, does not find it, and pays.
    """
    passed_s = parts.instant().since(began)
    if passed_s > parts.leases.usual.total_seconds():
        raise NotSent(f"{passed_s:.1f} s have passed since the intent was committed; nothing was sent")


def _attempt(
    job: ClaimedJob, token: UUID, profile: Profile, prompt: Prompt, picture: str, sent: dict[str, Any]
) -> AttemptBegun:
    """Return the attempt as it is written before the call: a fresh token, the price set aside, how to find it again."""
    # An address that contains the token is a signed one: the token identifies it, and no signature is stored.
    picture_url = None if carries(picture, token) else picture
    return AttemptBegun(
        job_id=job.id,
        attempt=job.attempt + 1,
        token=token,
        model=profile.model,
        prompt_version=prompt.version,
        reserved_micros=price_of_attempt(job, profile),
        picture_url=picture_url,
        is_traceable=picture_url is not None or carries(sent, token),
        # A test says nothing about a variant.
        experiment=None if job.is_test else prompt.experiment,
        variant=None if job.is_test else prompt.variant,
    )


def _begin(job: ClaimedJob, attempt: AttemptBegun, lease_for: timedelta) -> Move:
    """Return the intent, as it is committed before the call, with the lease begun anew."""
    decision = move(job.facts, Event.SUBMIT_STARTED, due_in=timedelta(0))
    return Move(
        job.claim, job.state, decision, attempts_begun=1, keep_lease=True, lease_for=lease_for, row_changes=(attempt,)
    )


def model_input(
    job: ClaimedJob, token: UUID, profile: Profile, prompt: Prompt, picture: str, secrets: Mapping[str, str]
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
