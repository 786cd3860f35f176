"""The inputs and payloads of the mutations for webhook endpoints."""

from __future__ import annotations

from uuid import UUID

import strawberry

from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.mutations.payloads import Payload
from schema.types.enums import WebhookEventType
from schema.types.webhook import WebhookDelivery, WebhookEndpoint


@strawberry.input
class EndpointInput:
    """The field that the inputs for one endpoint share. Not in the SDL, because GraphQL inputs do not inherit."""

    id: strawberry.ID = strawberry.field(description="The id of the endpoint.")

    @property
    def endpoint_id(self) -> UUID:
        """Return the UUID of the endpoint; raise Invalid where the id is none of an endpoint."""
        return input_id(self.id, IdKind.WEBHOOK_ENDPOINT, "id")


@strawberry.type
class EndpointPayload(Payload):
    """The field that the payloads with an endpoint share. Not in the SDL either."""

    endpoint: WebhookEndpoint | None = strawberry.field(default=None, description="The endpoint as it is now.")


@strawberry.input(description="The endpoint to create.")
class CreateWebhookEndpointInput:
    url: str = strawberry.field(
        description="The https address that messages are posted to. Redirects are not followed."
    )
    event_types: list[WebhookEventType] = strawberry.field(description="What it receives, at least one type.")
    description: str = strawberry.field(default="", description="Your own words for it, up to 200 characters.")


@strawberry.type(description="The endpoint and its secret.")
class CreateWebhookEndpointPayload(EndpointPayload):
    secret: str | None = strawberry.field(
        default=None, description="Verifies the signatures of messages; begins with `whsec_`. It is returned only once."
    )


@strawberry.input(description="The endpoint and what to change; what is left out stays.")
class UpdateWebhookEndpointInput(EndpointInput):
    url: str | None = strawberry.field(default=None, description="The new address.")
    event_types: list[WebhookEventType] | None = strawberry.field(
        default=None, description="What it receives from now on, at least one type."
    )
    description: str | None = strawberry.field(default=None, description="New words for it, up to 200 characters.")


@strawberry.type(description="The endpoint with its changes.")
class UpdateWebhookEndpointPayload(EndpointPayload):
    pass


@strawberry.input(description="The endpoint whose secret to replace.")
class RotateWebhookSecretInput(EndpointInput):
    overlap_seconds: int = strawberry.field(
        default=86_400,
        description="How long messages are signed with the old secrets too, in seconds: 0 to 2592000 (30 days).",
    )


@strawberry.type(description="The endpoint and its new secret.")
class RotateWebhookSecretPayload(EndpointPayload):
    secret: str | None = strawberry.field(default=None, description="The new secret. It is returned only once.")


@strawberry.input(description="The endpoint to stop.")
class DisableWebhookEndpointInput(EndpointInput):
    pass


@strawberry.type(description="The stopped endpoint.")
class DisableWebhookEndpointPayload(EndpointPayload):
    pass


@strawberry.input(description="The endpoint to resume.")
class EnableWebhookEndpointInput(EndpointInput):
    pass


@strawberry.type(description="The resumed endpoint.")
class EnableWebhookEndpointPayload(EndpointPayload):
    pass


@strawberry.input(description="The endpoint to delete.")
class DeleteWebhookEndpointInput(EndpointInput):
    pass


@strawberry.type(description="The endpoint as it was.")
class DeleteWebhookEndpointPayload(Payload):
    endpoint: WebhookEndpoint | None = strawberry.field(
        default=None, description="The endpoint, which no longer exists."
    )


@strawberry.input(description="The endpoint, and the place from which to deliver.")
class RedeliverWebhookInput(EndpointInput):
    after: str = strawberry.field(
        description="A cursor of your account's activity: that of a message, a delivery or an endpoint. Everything "
        "after it is delivered, once more where it was before."
    )


@strawberry.type(description="The endpoint at its new place.")
class RedeliverWebhookPayload(EndpointPayload):
    pass


@strawberry.input(description="The endpoint to test.")
class SendTestWebhookInput(EndpointInput):
    pass


@strawberry.type(description="The outcome of the test.")
class SendTestWebhookPayload(Payload):
    delivery: WebhookDelivery | None = strawberry.field(
        default=None, description="The attempt; its `failure` is null if the endpoint responded with 2xx."
    )
