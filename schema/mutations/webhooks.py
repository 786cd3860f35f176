"""Mutations for webhook endpoints."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import strawberry

from db.records.webhook_deliveries import insert_delivery
from jobs.errors import Invalid
from jobs.webhooks.endpoints import (
    EndpointChanges,
    create_endpoint,
    disable,
    enable,
    redeliver,
    remove,
    rotate_secret,
    update_endpoint,
)
from jobs.webhooks.testing import endpoint_under_test, send_test
from schema.context import Info
from schema.cursors import MalformedCursor, read_activity_cursor
from schema.fields import mutation
from schema.mutations.webhook_arguments import (
    CreateWebhookEndpointInput,
    CreateWebhookEndpointPayload,
    DeleteWebhookEndpointInput,
    DeleteWebhookEndpointPayload,
    DisableWebhookEndpointInput,
    DisableWebhookEndpointPayload,
    EnableWebhookEndpointInput,
    EnableWebhookEndpointPayload,
    RedeliverWebhookInput,
    RedeliverWebhookPayload,
    RotateWebhookSecretInput,
    RotateWebhookSecretPayload,
    SendTestWebhookInput,
    SendTestWebhookPayload,
    UpdateWebhookEndpointInput,
    UpdateWebhookEndpointPayload,
)
from schema.types.webhook import WebhookDelivery, WebhookEndpoint
from statemachine.vocabulary import KeyScope


@strawberry.type
class WebhookMutations:
    @mutation(
        "Create an endpoint that receives what happens in your account from now on. Requires an API key.",
        CreateWebhookEndpointPayload,
        scope=KeyScope.WEBHOOKS,
    )
    async def create_webhook_endpoint(
        self, info: Info, input: CreateWebhookEndpointInput
    ) -> CreateWebhookEndpointPayload:
        wanted = EndpointChanges(input.url, input.description, input.event_types)
        reach = info.context.parts.runtime.webhook_sender.reach
        endpoint, secret = await info.context.database.write(create_endpoint, info.context.principal, reach, wanted)
        return CreateWebhookEndpointPayload(endpoint=WebhookEndpoint.of(endpoint), secret=secret)

    @mutation("Change an endpoint.", UpdateWebhookEndpointPayload, scope=KeyScope.WEBHOOKS)
    async def update_webhook_endpoint(
        self, info: Info, input: UpdateWebhookEndpointInput
    ) -> UpdateWebhookEndpointPayload:
        changes = EndpointChanges(input.url, input.description, input.event_types)
        endpoint = await info.context.database.write(
            update_endpoint,
            info.context.principal,
            info.context.parts.runtime.webhook_sender.reach,
            input.endpoint_id,
            changes,
        )
        return UpdateWebhookEndpointPayload(endpoint=WebhookEndpoint.of(endpoint))

    @mutation(
        "Give an endpoint a new secret; messages are signed with the old one too for a while, so that your servers can "
        "change over.",
        RotateWebhookSecretPayload,
        scope=KeyScope.WEBHOOKS,
    )
    async def rotate_webhook_secret(self, info: Info, input: RotateWebhookSecretInput) -> RotateWebhookSecretPayload:
        endpoint, secret = await info.context.database.write(
            rotate_secret,
            info.context.principal,
            input.endpoint_id,
            overlap=timedelta(seconds=input.overlap_seconds),
        )
        return RotateWebhookSecretPayload(endpoint=WebhookEndpoint.of(endpoint), secret=secret)

    @mutation(
        "Stop deliveries to an endpoint; nothing is lost for it meanwhile.",
        DisableWebhookEndpointPayload,
        scope=KeyScope.WEBHOOKS,
    )
    async def disable_webhook_endpoint(
        self, info: Info, input: DisableWebhookEndpointInput
    ) -> DisableWebhookEndpointPayload:
        endpoint = await info.context.database.write(disable, info.context.principal, input.endpoint_id)
        return DisableWebhookEndpointPayload(endpoint=WebhookEndpoint.of(endpoint))

    @mutation(
        "Resume deliveries to an endpoint from where they stopped, and repeat at once a message that failed.",
        EnableWebhookEndpointPayload,
        scope=KeyScope.WEBHOOKS,
    )
    async def enable_webhook_endpoint(
        self, info: Info, input: EnableWebhookEndpointInput
    ) -> EnableWebhookEndpointPayload:
        endpoint = await info.context.database.write(enable, info.context.principal, input.endpoint_id)
        return EnableWebhookEndpointPayload(endpoint=WebhookEndpoint.of(endpoint))

    @mutation(
        "Delete an endpoint, with its secrets and its delivery log.",
        DeleteWebhookEndpointPayload,
        scope=KeyScope.WEBHOOKS,
    )
    async def delete_webhook_endpoint(
        self, info: Info, input: DeleteWebhookEndpointInput
    ) -> DeleteWebhookEndpointPayload:
        endpoint = await info.context.database.write(remove, info.context.principal, input.endpoint_id)
        return DeleteWebhookEndpointPayload(endpoint=WebhookEndpoint.of(endpoint))

    @mutation(
        "Deliver to an endpoint everything after a cursor of your account's activity, again or for the first time.",
        RedeliverWebhookPayload,
        scope=KeyScope.WEBHOOKS,
    )
    async def redeliver_webhook(self, info: Info, input: RedeliverWebhookInput) -> RedeliverWebhookPayload:
        after = _position(info, input.after)
        endpoint = await info.context.database.write(redeliver, info.context.principal, input.endpoint_id, after=after)
        return RedeliverWebhookPayload(endpoint=WebhookEndpoint.of(endpoint))

    @mutation(
        "Send a message of type `webhook.test` to an endpoint now, also to a disabled one, and wait for its response.",
        SendTestWebhookPayload,
        scope=KeyScope.WEBHOOKS,
    )
    async def send_test_webhook(self, info: Info, input: SendTestWebhookInput) -> SendTestWebhookPayload:
        parts, caller = info.context.parts, info.context.principal
        endpoint, secrets = await info.context.database.read(endpoint_under_test, caller, input.endpoint_id)
        async with parts.webhook_tests.place(caller.account_id):
            attempted = await send_test(parts.runtime.webhook_sender, endpoint, secrets, datetime.now(UTC))
        logged = await info.context.database.write(insert_delivery, endpoint.account_id, endpoint.id, attempted)
        return SendTestWebhookPayload(delivery=WebhookDelivery.of(logged))


def _position(info: Info, cursor: str) -> int:
    try:
        return read_activity_cursor(cursor, info.context.principal.account_id)
    except MalformedCursor as error:
        raise Invalid(str(error), "input", "after") from None
