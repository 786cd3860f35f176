"""Estimates of when jobs and stories will be ready."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from db.records.attempts import Attempt
from db.records.jobs import Job
from jobs.providers.choice import NoModel
from jobs.providers.profiles import Profile, profiles
from jobs.tracking.estimates import Way, ready_at
from schema.context import Context
from statemachine.steps import STEP_OF
from statemachine.vocabulary import State

# Until then another model may yet be chosen.
_BEFORE_ITS_MODEL = frozenset({State.WAITING, State.QUEUED})


async def job_ready_at(context: Context, job: Job) -> datetime | None:
    """Return when a job will have succeeded; None without an estimate, and once it has ended."""
    if job.state.is_terminal or job.cancel_requested_at is not None or await _is_paused(context, job):
        return None
    attempt = await _current_attempt(context, job)
    profile = _profile(context, job, attempt)
    if profile is None:
        return None
    way = Way(
        state=job.state,
        created_at=job.created_at,
        due_at=job.due_at,
        accepted_at=attempt.accepted_at if attempt else None,
        generated_at=attempt.completed_at if attempt else None,
        parent_ready_at=await _parent_ready_at(context, job) if job.state is State.WAITING else None,
    )
    return ready_at(way, await context.parts.usual_times.of(profile, job.duration_s), datetime.now(UTC))


async def story_ready_at(context: Context, story_id: UUID) -> datetime | None:
    """Return when the last job of a story that may succeed will have; None without an estimate for one of them."""
    jobs: Sequence[Job] = await context.loaders.story_jobs.load(story_id) or ()
    estimates = [await job_ready_at(context, job) for job in jobs if _may_succeed(job)]
    known = [estimate for estimate in estimates if estimate is not None]
    return max(known) if known and len(known) == len(estimates) else None


def _may_succeed(job: Job) -> bool:
    ends = job.state.is_terminal or job.state is State.COMPENSATING
    return not ends and job.cancel_requested_at is None


async def _is_paused(context: Context, job: Job) -> bool:
    step = STEP_OF.get(job.state)
    pause = None if step is None else await context.loaders.pauses.load(step)
    return pause is not None and pause.applies_to(job.state)


async def _current_attempt(context: Context, job: Job) -> Attempt | None:
    if job.state in _BEFORE_ITS_MODEL:
        return None
    attempts = await context.loaders.attempts.load(job.id) or ()
    return next((each for each in attempts if each.attempt == job.attempt), None)


def _profile(context: Context, job: Job, attempt: Attempt | None) -> Profile | None:
    """Return the profile of the model that makes a job, or would make it now."""
    if attempt is not None:
        return profiles().get(attempt.model)
    try:
        return context.catalogue.models.profile_for(job.kind, job.tier, job.duration_s)
    except NoModel:
        return None


async def _parent_ready_at(context: Context, job: Job) -> datetime | None:
    parent = None if job.parent_id is None else await context.loaders.jobs.load(job.parent_id)
    return None if parent is None else await job_ready_at(context, parent)
