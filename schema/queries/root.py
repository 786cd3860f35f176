"""The root of all queries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import strawberry

from schema import arguments
from schema.context import Info
from schema.fields import field, paged_field
from schema.ids import IdKind, bare_uuid, decode_any, decode_id
from schema.paging import Connection, PageRequest
from schema.queries.accounts import AccountQueries
from schema.queries.activity import ActivityQueries
from schema.queries.api_keys import ApiKeyQueries
from schema.queries.catalogue import CatalogueQueries
from schema.queries.credit_statements import CreditStatementQueries
from schema.queries.credits import CreditQueries
from schema.queries.experiments import ExperimentQueries
from schema.queries.lists import list_assets, list_jobs, list_stories
from schema.queries.redrives import RedriveQueries
from schema.queries.statistics import StatisticsQueries
from schema.queries.support import SupportQueries
from schema.queries.webhooks import WebhookQueries, find_webhook_endpoint
from schema.types.account import find_account
from schema.types.asset import Asset
from schema.types.batch import Batch, find_batch
from schema.types.deletion import Deletion
from schema.types.enums import JobOrder
from schema.types.filters import AssetFilter, JobFilter, StoryFilter
from schema.types.job import Job
from schema.types.node import Node
from schema.types.rate_limit import RateLimit
from schema.types.redrive import find_redrive
from schema.types.session import Session
from schema.types.story import Story
from schema.types.viewer import Viewer


async def find_job(info: Info, job_id: UUID) -> Job | None:
    """Return the job if the caller may see it."""
    found = await info.context.loaders.jobs.load(job_id)
    return None if found is None else Job.of(found)


async def find_story(info: Info, story_id: UUID) -> Story | None:
    """Return the story if the caller may see it."""
    found = await info.context.loaders.stories.load(story_id)
    return None if found is None else Story.of(found)


async def find_asset(info: Info, asset_id: UUID) -> Asset | None:
    """Return the asset if the caller may see it."""
    found = await info.context.loaders.assets.load(asset_id)
    return None if found is None else Asset.of(found)


async def find_session(info: Info, session_id: UUID) -> Session | None:
    """Return the session if the caller may see it."""
    found = await info.context.loaders.sessions.load(session_id)
    return None if found is None else Session.of(found)


async def find_deletion(info: Info, deletion_id: UUID) -> Deletion | None:
    """Return the deletion if the caller may see it."""
    found = await info.context.loaders.deletions.load(deletion_id)
    return None if found is None else Deletion.of(found)


_FIND: dict[IdKind, Callable[[Info, UUID], Awaitable[Node | None]]] = {
    IdKind.ACCOUNT: find_account,
    IdKind.JOB: find_job,
    IdKind.STORY: find_story,
    IdKind.BATCH: find_batch,
    IdKind.ASSET: find_asset,
    IdKind.SESSION: find_session,
    IdKind.DELETION: find_deletion,
    IdKind.WEBHOOK_ENDPOINT: find_webhook_endpoint,
    IdKind.REDRIVE: find_redrive,
}


async def _of_any_kind(info: Info, value: UUID) -> Node | None:
    for find in _FIND.values():
        if (found := await find(info, value)) is not None:
            return found
    return None


def _id(info: Info, text: str, kind: IdKind) -> UUID:
    """Return the UUID of an id. Support may also give the UUID itself, as the database and the object store show it."""
    bare = bare_uuid(text) if info.context.principal.is_support else None
    return bare or decode_id(text, kind)


@strawberry.type(description="Everything that can be read. What is not yours is treated as if it did not exist.")
class Query(
    AccountQueries,
    ActivityQueries,
    ApiKeyQueries,
    CatalogueQueries,
    CreditQueries,
    CreditStatementQueries,
    WebhookQueries,
    SupportQueries,
    RedriveQueries,
    StatisticsQueries,
    ExperimentQueries,
):
    @field("The object with this id; null if it does not exist or is not yours.")
    async def node(self, info: Info, id: Annotated[strawberry.ID, arguments.ID]) -> Node | None:
        bare = bare_uuid(id) if info.context.principal.is_support else None
        if bare is not None:
            return await _of_any_kind(info, bare)
        kind, value = decode_any(id)
        # An API key has an id, but is not a node.
        return await _FIND[kind](info, value) if kind in _FIND else None

    @field("The caller, and what they may request.")
    async def viewer(self, info: Info) -> Viewer:
        return Viewer.of(info.context.principal)

    @field("The rate at which you may send requests, and what is left of it.")
    async def rate_limit(self, info: Info) -> RateLimit:
        return RateLimit.of(info.context.parts.request_rates.look(info.context.principal))

    @field("The job with this id; null if it does not exist or is not yours.")
    async def job(self, info: Info, id: Annotated[strawberry.ID, arguments.ID]) -> Job | None:
        return await find_job(info, _id(info, id, IdKind.JOB))

    @paged_field("Your jobs. Give `first` or `last`, from 1 to 100.")
    async def jobs(
        self,
        info: Info,
        page: PageRequest,
        filter: Annotated[JobFilter | None, arguments.FILTER] = None,
        order_by: Annotated[JobOrder, strawberry.argument(description="The order of the list.")] = JobOrder.NEWEST,
    ) -> Connection[Job]:
        return await list_jobs(info, filter, order_by, page)

    @field("The story with this id; null if it does not exist or is not yours.")
    async def story(self, info: Info, id: Annotated[strawberry.ID, arguments.ID]) -> Story | None:
        return await find_story(info, _id(info, id, IdKind.STORY))

    @paged_field("Your stories, newest first. Give `first` or `last`, from 1 to 100.")
    async def stories(
        self,
        info: Info,
        page: PageRequest,
        filter: Annotated[StoryFilter | None, arguments.FILTER] = None,
    ) -> Connection[Story]:
        return await list_stories(info, filter, page)

    @field("The batch with this id; null if it does not exist or is not yours.")
    async def batch(self, info: Info, id: Annotated[strawberry.ID, arguments.ID]) -> Batch | None:
        return await find_batch(info, _id(info, id, IdKind.BATCH))

    @field("The asset with this id; null if it does not exist or is not yours.")
    async def asset(self, info: Info, id: Annotated[strawberry.ID, arguments.ID]) -> Asset | None:
        return await find_asset(info, _id(info, id, IdKind.ASSET))

    @paged_field("Your selfies, pictures and videos, newest first. Give `first` or `last`, from 1 to 100.")
    async def assets(
        self,
        info: Info,
        page: PageRequest,
        filter: Annotated[AssetFilter | None, arguments.FILTER] = None,
    ) -> Connection[Asset]:
        return await list_assets(info, filter, page)

    @field("The deletion with this id, which says when nothing was left; null if it does not exist or is not yours.")
    async def deletion(self, info: Info, id: Annotated[strawberry.ID, arguments.ID]) -> Deletion | None:
        return await find_deletion(info, _id(info, id, IdKind.DELETION))
