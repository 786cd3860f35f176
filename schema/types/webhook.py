"""Webhook endpoints and their delivery log, as their account sees them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db.records.webhook_deliveries import WebhookDelivery as DeliveryRecord
from db.records.webhook_endpoints import WebhookEndpoint as Record
from schema.cursors import activity_cursor
from schema.fields import ROWS
from schema.ids import IdKind, encode_id
from schema.types.enums import WebhookDisabledReason, WebhookEndpointState, WebhookEventType, WebhookFailure
from schema.types.node import Node


@strawberry.type(description="An address of yours that receives webhooks. Its secrets cannot be read again.")
class WebhookEndpoint(Node):
    url: str = strawberry.field(description="The address that messages are posted to.")
    description: str = strawberry.field(description="Your own words for it; may be empty.")
    event_types: list[WebhookEventType] = strawberry.field(
        description="What it receives, in the order of the enum.", metadata={ROWS: len(WebhookEventType)}
    )
    state: WebhookEndpointState = strawberry.field(description="Whether messages are delivered.")
    disabled_reason: WebhookDisabledReason | None = strawberry.field(
        description="Why it is disabled; null unless it is."
    )
    disabled_at: datetime | None = strawberry.field(description="When it was disabled; null unless it is.")
    cursor: str = strawberry.field(
        description="Everything in your activity up to here was delivered, or is of a type that it does not receive."
    )
    failures: int = strawberry.field(description="Failed attempts since the last that succeeded.")
    failing_since: datetime | None = strawberry.field(
        description="When the first of these attempts failed; null if there is none."
    )
    next_attempt_at: datetime | None = strawberry.field(
        description="When the message that failed is sent again; null unless the state is `FAILING`."
    )
    last_success_at: datetime | None = strawberry.field(
        description="When a message was last delivered; null if none ever was."
    )
    last_failure_at: datetime | None = strawberry.field(
        description="When an attempt last failed; null if none ever did."
    )
    created_at: datetime = strawberry.field(description="When it was created.")

    @classmethod
    def of(cls, record: Record) -> WebhookEndpoint:
        """Return the endpoint of a record."""
        is_failing = record.state is WebhookEndpointState.FAILING
        return cls(
            id=strawberry.ID(encode_id(IdKind.WEBHOOK_ENDPOINT, record.id)),
            url=record.url,
            description=record.description,
            event_types=[each for each in WebhookEventType if each in record.event_types],
            state=record.state,
            disabled_reason=record.disabled_reason,
            disabled_at=record.disabled_at,
            cursor=activity_cursor(record.account_id, record.position),
            failures=record.failures,
            failing_since=record.failing_since,
            next_attempt_at=record.due_at if is_failing else None,
            last_success_at=record.succeeded_at,
            last_failure_at=record.failed_at,
            created_at=record.created_at,
        )


@strawberry.type(description="One attempt to deliver a message. The log is kept for 30 days.")
class WebhookDelivery:
    id: strawberry.ID = strawberry.field(description="Its id in the log.")
    endpoint_id: strawberry.ID = strawberry.field(description="The endpoint that it was sent to.")
    webhook_id: str = strawberry.field(
        description="The message's `webhook-id`, the same in each attempt and in a redelivery."
    )
    type: str = strawberry.field(description="The message's type, such as `job.succeeded`, or `webhook.test`.")
    cursor: str | None = strawberry.field(
        description="The message's place in your activity, after it; null for a test."
    )
    attempt: int = strawberry.field(description="1 for the first attempt at this message, and so on.")
    at: datetime = strawberry.field(description="When it was recorded, right after the attempt.")
    duration_ms: int = strawberry.field(description="The milliseconds until the response, or until it was given up.")
    response_status: int | None = strawberry.field(
        description="The HTTP status of the response; null if there was none."
    )
    failure: WebhookFailure | None = strawberry.field(description="Why it failed; null if it was delivered.")

    @classmethod
    def of(cls, record: DeliveryRecord) -> WebhookDelivery:
        """Return the delivery of a record."""
        has_place = record.position is not None
        return cls(
            id=strawberry.ID(encode_id(IdKind.WEBHOOK_DELIVERY, record.id)),
            endpoint_id=strawberry.ID(encode_id(IdKind.WEBHOOK_ENDPOINT, record.endpoint_id)),
            webhook_id=record.webhook_id,
            type=record.type,
            cursor=activity_cursor(record.account_id, record.position or 0) if has_place else None,
            attempt=record.attempt,
            at=record.at,
            duration_ms=record.duration_ms,
            response_status=record.response_status,
            failure=record.failure,
        )
