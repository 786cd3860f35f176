"""The queries for an account's webhook endpoints and what was sent to them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import strawberry

from db.records.jobs import JobOrder
from db.records.webhook_endpoints import endpoint_of
from jobs.webhooks.endpoints import deliveries_of, endpoints_of
from schema.context import Info
from schema.cursors import page_cursor, read_page_cursor
from schema.fields import paged_field
from schema.ids import IdKind, decode_id
from schema.paging import Connection, PageRequest
from schema.types.webhook import WebhookDelivery, WebhookEndpoint

_ENDPOINT_ID = strawberry.argument(description="Only what was sent to this endpoint.")


async def find_webhook_endpoint(info: Info, endpoint_id: UUID) -> WebhookEndpoint | None:
    """Return the endpoint if it is of the caller's account, and the caller is no session."""
    caller = info.context.principal
    if caller.key is None:
        return None
    found = await info.context.database.read(endpoint_of, caller.account_id, endpoint_id)
    return None if found is None else WebhookEndpoint.of(found)


@strawberry.type
class WebhookQueries:
    @paged_field("The webhook endpoints of your account, oldest first. Requires an API key.")
    async def webhook_endpoints(self, info: Info, page: PageRequest) -> Connection[WebhookEndpoint]:
        found = await info.context.database.read(endpoints_of, info.context.principal, page.window(_read_id))
        return Connection.of(found, WebhookEndpoint.of, lambda each: _id_cursor(each.id))

    @paged_field("The attempts to deliver webhooks of your account, newest first. Requires an API key.")
    async def webhook_deliveries(
        self, info: Info, page: PageRequest, endpoint_id: Annotated[strawberry.ID | None, _ENDPOINT_ID] = None
    ) -> Connection[WebhookDelivery]:
        wanted = None if endpoint_id is None else decode_id(endpoint_id, IdKind.WEBHOOK_ENDPOINT)
        found = await info.context.database.read(deliveries_of, info.context.principal, wanted, page.window(_read_id))
        return Connection.of(found, WebhookDelivery.of, lambda each: _id_cursor(each.id))


def _id_cursor(row_id: UUID) -> str:
    return page_cursor(JobOrder.NEWEST, (row_id,))


def _read_id(cursor: str) -> tuple[Any, ...]:
    return read_page_cursor(JobOrder.NEWEST, cursor)
