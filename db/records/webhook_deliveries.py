"""The log of webhooks: one row for each attempt to deliver a message."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select

from db.ids import new_id
from db.paging import Page, Window, fetch_page
from db.webhook_tables import webhook_deliveries
from statemachine.vocabulary import WebhookFailure


@dataclass(frozen=True, slots=True)
class Attempted:
    """An attempt to deliver a message, as it is logged. `position` is None for a test.

    `response_status` is the HTTP status, None if no response came; `failure` is None if the message was delivered.
    """

    webhook_id: str
    type: str
    position: int | None
    attempt: int
    duration_ms: int
    response_status: int | None
    failure: WebhookFailure | None


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """A row of the log: an attempt, its endpoint, and when it was recorded."""

    id: UUID
    endpoint_id: UUID
    account_id: UUID
    webhook_id: str
    type: str
    position: int | None
    attempt: int
    at: datetime
    duration_ms: int
    response_status: int | None
    failure: WebhookFailure | None

    @classmethod
    def from_row(cls, row: Any) -> WebhookDelivery:
        """Return the delivery of a row of the table."""
        given = {field.name: row._mapping[field.name] for field in fields(cls)}
        given["failure"] = given["failure"] and WebhookFailure(given["failure"])
        return cls(**given)


def insert_delivery(conn: Connection, account_id: UUID, endpoint_id: UUID, attempted: Attempted) -> WebhookDelivery:
    """Log one attempt."""
    values = {"id": new_id(), "account_id": account_id, "endpoint_id": endpoint_id, **asdict(attempted)}
    added = insert(webhook_deliveries).values(**values).returning(webhook_deliveries)
    return WebhookDelivery.from_row(conn.execute(added).one())


def delivery_page(
    conn: Connection, account_id: UUID, endpoint_id: UUID | None, window: Window
) -> Page[WebhookDelivery]:
    """Return one page of the log of an account, or of one of its endpoints, newest first; the key is (id,)."""
    d = webhook_deliveries.c
    query = select(webhook_deliveries).where(d.account_id == account_id)
    query = query if endpoint_id is None else query.where(d.endpoint_id == endpoint_id)
    return fetch_page(conn, query, (d.id,), window, WebhookDelivery.from_row, descending=True)
