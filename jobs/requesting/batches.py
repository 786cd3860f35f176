"""Batches: many stories, scenes and animations in one request, accepted whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection

from db.ids import ids_after, new_id
from db.records.jobs import lock_sources
from db.records.requests import IdempotencyKey, NewJob, insert_stories
from jobs.catalogue.catalogue import DEFAULT_CATALOGUE, Catalogue
from jobs.errors import Invalid
from jobs.identity import Principal, on_behalf_of
from jobs.requesting.checks import check_animation, check_scene, check_story, placed
from jobs.requesting.creation import add_jobs
from jobs.requesting.idempotency import Made, once
from jobs.requesting.making import JobMaker, owner_of
from jobs.requesting.requests import (
    AnimationRequest,
    BatchAnimation,
    BatchRequest,
    BatchScene,
    BatchStory,
    SceneRequest,
    StoryRequest,
)

ITEMS_MAX = 200
# What the items may have together: one transaction adds them all.
JOBS_MAX = 600

Item = TypeVar("Item")
Result = TypeVar("Result")


def create_batch(
    conn: Connection, caller: Principal, request: BatchRequest, *, catalogue: Catalogue = DEFAULT_CATALOGUE
) -> Made:
    """Create the jobs of all items; their ids are in the order of the request.

    Raises what `create_story` does, with the item's list and place in the path; the transaction must then be rolled
    back.
    """
    _check_size(request)
    caller = on_behalf_of(conn, caller, request.options.on_behalf_of)

    def make(batch_id: UUID) -> None:
        _lock_sources(conn, caller, request)
        jobs = _NewBatch(conn, caller, request, batch_id, catalogue).jobs()
        selfies = {job.story_id: job.request.input_id for job in jobs if job.story_id and job.request.input_id}
        insert_stories(conn, owner_of(caller), selfies)
        add_jobs(conn, caller, jobs, catalogue)

    key = IdempotencyKey(caller.account_id, caller.user_ref, "createBatch", request.options.idempotency_key)
    return once(conn, key, request, make)


def _check_size(request: BatchRequest) -> None:
    singles = len(request.scenes) + len(request.animations)
    items = len(request.stories) + singles
    if not 1 <= items <= ITEMS_MAX:
        raise Invalid(f"A batch takes 1 to {ITEMS_MAX} stories, scenes and animations; this one has {items}.", "input")
    jobs = singles + sum(story.content.job_count for story in request.stories)
    if jobs > JOBS_MAX:
        raise Invalid(f"A batch takes up to {JOBS_MAX} jobs; this one has {jobs}.", "input")


class _NewBatch:
    """The jobs of a batch that is being accepted."""

    def __init__(
        self, conn: Connection, caller: Principal, request: BatchRequest, batch_id: UUID, catalogue: Catalogue
    ) -> None:
        self._caller, self._request, self._batch_id, self._catalogue = caller, request, batch_id, catalogue
        self._maker = JobMaker(conn, caller, catalogue)
        self._ids = iter(ids_after(batch_id, JOBS_MAX))

    def jobs(self) -> list[NewJob]:
        """Return the jobs in the order of the request."""
        request = self._request
        found = [
            *for_each_item("stories", request.stories, self._story),
            *for_each_item("scenes", request.scenes, self._scene),
            *for_each_item("animations", request.animations, self._animation),
        ]
        return [replace(job, batch_id=self._batch_id) for jobs in found for job in jobs]

    def _story(self, item: BatchStory) -> list[NewJob]:
        options = replace(self._request.options, metadata=item.metadata)
        story = StoryRequest(options, item.selfie_id, item.content)
        check_story(self._catalogue, self._caller, story)
        return self._maker.story(new_id(), self._ids, story)

    def _scene(self, item: BatchScene) -> list[NewJob]:
        options = replace(self._request.options, metadata=item.metadata)
        scene = SceneRequest(options, item.scene, item.avatar_asset_id, item.avatar_job_id)
        check_scene(self._catalogue, self._caller, scene)
        return [self._maker.scene(next(self._ids), scene)]

    def _animation(self, item: BatchAnimation) -> list[NewJob]:
        options = replace(self._request.options, metadata=item.metadata)
        animation = AnimationRequest(options, item.scene_asset_id, item.scene_job_id, item.animation)
        check_animation(self._catalogue, self._caller, animation)
        return [self._maker.animation(next(self._ids), animation)]


def for_each_item(name: str, items: Sequence[Item], make: Callable[[Item], Result]) -> Iterator[Result]:
    """Yield what is made of each item of a list; the path of an error names the list and the place of the item."""
    for number, item in enumerate(items):
        with placed(name, str(number)):
            yield make(item)


def _lock_sources(conn: Connection, caller: Principal, request: BatchRequest) -> None:
    """Lock every source of the batch before the wallet: a transaction that ends a job locks them in this order."""
    scenes, animations = request.scenes, request.animations
    job_ids = {item.avatar_job_id for item in scenes} | {item.scene_job_id for item in animations}
    asset_ids = {item.avatar_asset_id for item in scenes} | {item.scene_asset_id for item in animations}
    lock_sources(conn, caller.scope, job_ids=_given(job_ids), asset_ids=_given(asset_ids))


def _given(ids: set[UUID | None]) -> set[UUID]:
    return {each for each in ids if each is not None}
