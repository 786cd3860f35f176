"""Retrying a story: the jobs that it failed with are retried, and revive the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.records.jobs import Job, jobs_of_stories
from db.records.requests import IdempotencyKey
from jobs.catalogue.catalogue import DEFAULT_CATALOGUE, Catalogue
from jobs.errors import AlreadyFinished, NotFound, NotReady, UseCaseError
from jobs.identity import Principal
from jobs.requesting.idempotency import once
from jobs.support.redriving import retry_jobs
from statemachine.commands import ENDED_BADLY, can_be_retried
from statemachine.relatives import root_causes
from statemachine.vocabulary import ErrorCode, State

# Their error is set for good, unless they are retried.
_FAILING = ENDED_BADLY | {State.COMPENSATING}


@dataclass(frozen=True, slots=True)
class RetryRequest:
    """A story to retry, once for a key."""

    idempotency_key: str
    story_id: UUID


@dataclass(frozen=True, slots=True)
class RetriedStory:
    """The jobs that were revived; none where the story was retried before under the same key (`replayed`)."""

    revived: frozenset[UUID]
    replayed: bool


def retry_story(
    conn: Connection, caller: Principal, request: RetryRequest, catalogue: Catalogue = DEFAULT_CATALOGUE
) -> RetriedStory:
    """Retry the jobs that a story failed with, all or none.

    Raises NotFound, IdempotencyKeyReused, and what `retry_job` raises.
    """
    if not jobs_of_stories(conn, caller.scope, [request.story_id])[request.story_id]:
        raise NotFound("The story does not exist.", "input", "storyId")
    revived: set[UUID] = set()

    def retry(_: UUID) -> None:
        # Read here, so that a retry that waited for another one sees what that has done.
        jobs = jobs_of_stories(conn, caller.scope, [request.story_id])[request.story_id]
        revived.update(retry_jobs(conn, caller, _failed_with(jobs), catalogue))

    key = IdempotencyKey(caller.account_id, caller.user_ref, "retryStory", request.idempotency_key)
    try:
        made = once(conn, key, request, retry)
    except UseCaseError as error:
        error.path = ("input", "storyId") if error.path == ("input", "jobId") else error.path
        raise
    return RetriedStory(frozenset(revived), made.replayed)


def _failed_with(jobs: Sequence[Job]) -> list[UUID]:
    """Return the jobs that the others failed because of: those that can be retried, or else the first.

    A job that was canceled comes back only if nothing else can: what its owner stopped beside a failure stays stopped.
    """
    errors = [job.error_code if job.state in _FAILING else None for job in jobs]
    causes = [job for job in (jobs[place] for place in root_causes(errors)) if job.state in ENDED_BADLY]
    if causes:
        retryable = [job for job in causes if can_be_retried(job.state, job.error_code)]
        failed = [job for job in retryable if job.error_code is not ErrorCode.CANCELED]
        return [job.id for job in failed or retryable or causes[:1]]
    if all(job.state is State.SUCCEEDED for job in jobs):
        raise AlreadyFinished("The story has succeeded; there is nothing to retry.", "input", "storyId")
    raise NotReady("Nothing in the story has failed yet, or it is still being undone.", "input", "storyId")
