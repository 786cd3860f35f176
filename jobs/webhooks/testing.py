"""Test messages: sent to an endpoint at the request of its account, to see whether it receives and verifies them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from db.records.webhook_deliveries import Attempted
from db.records.webhook_endpoints import WebhookEndpoint, live_secrets
from jobs.identity import Principal
from jobs.webhooks.endpoints import find_endpoint
from jobs.webhooks.messages import test_message
from jobs.webhooks.sender import WebhookSender
from jobs.webhooks.serving import attempted_of


def endpoint_under_test(
    conn: Connection, caller: Principal, endpoint_id: UUID
) -> tuple[WebhookEndpoint, Sequence[str]]:
    """Return an endpoint of the caller's account and its secrets. Raises NotFound, and Forbidden for a session."""
    endpoint = find_endpoint(conn, caller, endpoint_id)
    return endpoint, live_secrets(conn, endpoint.id)


async def send_test(
    sender: WebhookSender, endpoint: WebhookEndpoint, secrets: Sequence[str], now: datetime
) -> Attempted:
    """Send a test message once, and return what came of it."""
    message = test_message(endpoint.id, now)
    async with sender.connection(endpoint.url, failing=endpoint.failures > 0) as connection:
        return attempted_of(message, await connection.post(message.headers(secrets, now), message.body), attempt=1)
