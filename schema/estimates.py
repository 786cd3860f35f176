"""When jobs and stories will be ready, as the API tells it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from db.engine.tracking import recent_durations
from db.records.attempts import Attempt
from db.records.jobs import Job
from jobs.providers.choice import NoModel
from jobs.providers.profiles import Profile, profiles
from jobs.tracking.durations import Recents, Usual, usual_of
from jobs.tracking.estimates import Way, ready_at
from schema.database import Database
from statemachine.vocabulary import STEP_OF, State

if TYPE_CHECKING:
    from schema.context import Context

_REFRESH_EVERY_S = 10.0
# Until then another model may yet be chosen.
_BEFORE_ITS_MODEL = frozenset({State.WAITING, State.QUEUED})


class UsualTimes:
    """How long predictions usually take, read at most every ten seconds for all requests of a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent: Recents = {}
        self._next_read_at = 0.0

    async def of(self, profile: Profile, duration_s: int | None) -> Usual:
        """Return how long the profile's model takes for a job of this length."""
        if time.monotonic() >= self._next_read_at:
            # Set before the wait, so that the others go on with what there is.
            self._next_read_at = time.monotonic() + _REFRESH_EVERY_S
            self._recent = await self._database.read(recent_durations, list(profiles()))
        return usual_of(self._recent, profile, duration_s)


async def job_ready_at(context: Context, job: Job) -> datetime | None:
    """Return when a job will have succeeded; None where nothing can be said, and once it has ended."""
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
    """Return when the last job of a story will have succeeded; None where that of one can not be said."""
    jobs: Sequence[Job] = await context.loaders.story_jobs.load(story_id) or ()
    estimates = [await job_ready_at(context, job) for job in jobs if not job.state.is_terminal]
    known = [estimate for estimate in estimates if estimate is not None]
    return max(known) if known and len(known) == len(estimates) else None


async def _is_paused(context: Context, job: Job) -> bool:
    step = STEP_OF.get(job.state)
    pause = None if step is None else await context.loaders.pauses.load(step)
    return pause is not None and pause.holds(job.state)


async def _current_attempt(context: Context, job: Job) -> Attempt | None:
    if job.state in _BEFORE_ITS_MODEL:
        return None
    attempts = await context.loaders.attempts.load(job.id) or ()
    return next((each for each in attempts if each.attempt == job.attempt), None)


def _profile(context: Context, job: Job, attempt: Attempt | None) -> Profile | None:
    """Return the model that makes a job, or would make it now."""
    if attempt is not None:
        return profiles().get(attempt.model)
    try:
        return context.offer.models.profile_for(job.kind, job.tier, job.duration_s)
    except NoModel:
        return None


async def _parent_ready_at(context: Context, job: Job) -> datetime | None:
    parent = None if job.parent_id is None else await context.loaders.jobs.load(job.parent_id)
    return None if parent is None else await job_ready_at(context, parent)
