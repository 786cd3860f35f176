"""Retrying a story: the job that it failed with is retried, and revives the others."""

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
from jobs.support.redriving import retry_job
from statemachine.commands import ENDED_BADLY
from statemachine.relatives import root_cause
from statemachine.vocabulary import State


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
    """Retry the job that a story failed with. Raises NotFound, IdempotencyKeyReused, and what `retry_job` raises."""
    if not jobs_of_stories(conn, caller.scope, [request.story_id])[request.story_id]:
        raise NotFound("The story does not exist.", "input", "storyId")
    revived: set[UUID] = set()

    def retry(_: UUID) -> None:
        # Read here, so that a retry that waited for another one sees what that has done.
        jobs = jobs_of_stories(conn, caller.scope, [request.story_id])[request.story_id]
        revived.update(retry_job(conn, caller, _failed_with(jobs), catalogue).revived)

    key = IdempotencyKey(caller.account_id, caller.user_ref, "retryStory", request.idempotency_key)
    try:
        made = once(conn, key, request, retry)
    except UseCaseError as error:
        error.path = ("input", "storyId") if error.path == ("input", "jobId") else error.path
        raise
    return RetriedStory(frozenset(revived), made.replayed)


def _failed_with(jobs: Sequence[Job]) -> UUID:
    """Return the job that the others failed because of."""
    place = root_cause([job.error_code if job.state in ENDED_BADLY else None for job in jobs])
    if place is not None:
        return jobs[place].id
    if all(job.state is State.SUCCEEDED for job in jobs):
        raise AlreadyFinished("The story has succeeded; there is nothing to retry.", "input", "storyId")
    raise NotReady("The story has not ended yet.", "input", "storyId")
