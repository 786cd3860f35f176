"""Prepare: decide what to submit for a job, or why nothing can be, before anything is spent."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field

from sqlalchemy import Engine

from db.engine.claims import ClaimedJob
from db.engine.spending import spend_of
from jobs.prompts import NoPrompt, Prompt, PromptBook
from jobs.providers.choice import NoModel
from jobs.providers.profiles import Profile
from jobs.steps.failures import INPUT_GONE
from jobs.steps.models import Models
from statemachine.backoff import JobPolicy
from statemachine.outcomes import Failure, Rejected, RetryPolicy, StepFailed
from statemachine.vocabulary import ErrorCode
from storage import Content

_CAP_REACHED = Failure(
    ErrorCode.PROVIDER_UNAVAILABLE,
    "The picture service failed too often. Please try again later.",
    RetryPolicy.NEVER,
    "another submission could cost more than the job's spend cap allows",
)


@dataclass(frozen=True, slots=True)
class PrepareParts:
    """The collaborators that prepare a submission."""

    engine: Engine
    models: Models
    prompts: PromptBook = field(default_factory=PromptBook)
    policy: JobPolicy = field(default_factory=JobPolicy)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A submission that may be made. `gone` are the models that earlier attempts found gone."""

    profile: Profile
    prompt: Prompt
    input_key: str
    content: Content
    gone: Set[str]


def prepare(job: ClaimedJob, parts: PrepareParts) -> Prepared | Rejected | StepFailed:
    """Return the submission of a queued job, or the outcome of a job that cannot be submitted."""
    gone = parts.models.gone_in(job, job.attempt)
    try:
        profile = parts.models.choose(job, gone)
        prompt = parts.prompts.prompt_for(job, profile.prompt_family)
    except NoModel as error:
        return Rejected(Failure(ErrorCode.INTERNAL, error.message, RetryPolicy.NEVER, error.detail))
    except NoPrompt as error:
        message = "This theme is not offered any more. Please choose another one."
        return Rejected(Failure(ErrorCode.INPUT_INVALID, message, RetryPolicy.NEVER, str(error)))
    if len(prompt.text) > profile.prompt_characters_max:
        return Rejected(_too_long(prompt, profile))
    if job.input_key is None:
        return Rejected(INPUT_GONE)
    if not _affords(job, profile, parts):
        return StepFailed(_CAP_REACHED)
    return Prepared(profile, prompt, job.input_key, Content(job.input_bytes or 0, job.input_sha256 or ""), gone)


def _too_long(prompt: Prompt, profile: Profile) -> Failure:
    """Return the failure of a prompt that the model would refuse; a theme file sets no limit to its texts."""
    message = "This theme and these words are too much together. Please use fewer words or another theme."
    detail = f"a prompt of {len(prompt.text)} characters: {profile.model} takes {profile.prompt_characters_max}"
    return Failure(ErrorCode.INPUT_INVALID, message, RetryPolicy.NEVER, detail)


def _affords(job: ClaimedJob, profile: Profile, parts: PrepareParts) -> bool:
    """Return whether another submission stays within the job's spend cap; the first one always does."""
    if job.attempt == 0:
        return True
    with parts.engine.connect() as conn:
        spend = spend_of(conn, job.id)
    return spend.affords(profile.price(job.kind, job.duration_s), parts.policy.spend_cap_micros)
