"""Pages of jobs and stories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from db.records.assets import AssetFilter as WantedAssets
from db.records.assets import asset_page
from db.records.jobs import Job as JobRecord
from db.records.jobs import JobFilter as Wanted
from db.records.jobs import JobOrder, job_page
from db.records.stories import StoryFilter as WantedStories
from db.records.stories import story_page
from schema.context import Info
from schema.cursors import id_cursor, page_cursor, read_id_cursor, read_page_cursor
from schema.disclosure import check_sees_provider
from schema.narrowing import narrowed
from schema.paging import Connection, PageRequest
from schema.types.asset import Asset
from schema.types.filters import AssetFilter, JobFilter, StoryFilter
from schema.types.job import Job
from schema.types.story import Story


async def list_jobs(
    info: Info,
    wanted: JobFilter | None,
    order: JobOrder,
    page: PageRequest,
    *,
    session_id: UUID | None = None,
) -> Connection[Job]:
    """Return a page of the caller's jobs, or of those of one session."""
    conditions = wanted.wanted() if wanted else Wanted()
    if conditions.is_about_the_provider:
        check_sees_provider(info.context.principal, "A filter by prediction, model or cost")
    if session_id is not None:
        conditions = replace(conditions, session_id=session_id)
    place = page.window(lambda cursor: read_page_cursor(order, cursor))
    scope = narrowed(info.context.principal, wanted)
    found = await info.context.database.read(job_page, scope, conditions, order, place)
    return Connection.of(found, Job.of, lambda job: page_cursor(order, _key(order, job)))


def _key(order: JobOrder, job: JobRecord) -> tuple[Any, ...]:
    return (job.finished_at, job.id) if order is JobOrder.RECENTLY_FINISHED else (job.id,)


async def list_stories(info: Info, wanted: StoryFilter | None, page: PageRequest) -> Connection[Story]:
    """Return a page of the caller's stories, newest first."""
    conditions = wanted.wanted() if wanted else WantedStories()
    scope = narrowed(info.context.principal, wanted)
    found = await info.context.database.read(story_page, scope, conditions, page.window(read_id_cursor))
    return Connection.of(found, Story.of, lambda story: id_cursor(story.id))


async def list_assets(info: Info, wanted: AssetFilter | None, page: PageRequest) -> Connection[Asset]:
    """Return a page of the caller's selfies, pictures and videos, newest first."""
    conditions = wanted.wanted() if wanted else WantedAssets()
    scope = narrowed(info.context.principal, wanted)
    found = await info.context.database.read(asset_page, scope, conditions, page.window(read_id_cursor))
    return Connection.of(found, Asset.of, lambda asset: id_cursor(asset.id))
