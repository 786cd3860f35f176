"""The endpoints that partners receive webhooks at, and the secrets that messages to them are signed with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from db.ids import new_id
from db.paging import Page, Window, fetch_page
from db.webhook_tables import webhook_endpoints, webhook_secrets
from statemachine.vocabulary import WebhookDisabledReason, WebhookEndpointState, WebhookEventType

_now = func.diorama_now
_endpoints = webhook_endpoints.c
_secrets = webhook_secrets.c


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """An endpoint. Everything in its account's feed up to `position` was delivered or passed over.

    `failures` counts the failed attempts since the last success; `due_at` is when the next one is due after them.
    """

    id: UUID
    account_id: UUID
    url: str
    description: str
    event_types: frozenset[WebhookEventType]
    position: int
    failures: int
    failing_since: datetime | None
    due_at: datetime
    disabled_reason: WebhookDisabledReason | None
    disabled_at: datetime | None
    succeeded_at: datetime | None
    failed_at: datetime | None
    created_at: datetime

    @classmethod
    def from_row(cls, row: Any) -> WebhookEndpoint:
        """Return the endpoint of a row of the table."""
        given = {field.name: row._mapping[field.name] for field in fields(cls)}
        given["event_types"] = frozenset(map(WebhookEventType, given["event_types"]))
        given["disabled_reason"] = given["disabled_reason"] and WebhookDisabledReason(given["disabled_reason"])
        return cls(**given)

    @property
    def state(self) -> WebhookEndpointState:
        """Return the state as partners see it."""
        if self.disabled_reason is not None:
            return WebhookEndpointState.DISABLED
        return WebhookEndpointState.FAILING if self.failures else WebhookEndpointState.ENABLED


def insert_endpoint(
    conn: Connection,
    account_id: UUID,
    *,
    url: str,
    description: str,
    event_types: Collection[WebhookEventType],
    position: int,
) -> WebhookEndpoint:
    """Add an endpoint that receives what comes after `position` in the account's feed."""
    values = {"id": new_id(), "account_id": account_id, "url": url, "description": description, "position": position}
    added = insert(webhook_endpoints).values(**values, event_types=sorted(event_types)).returning(webhook_endpoints)
    return WebhookEndpoint.from_row(conn.execute(added).one())


def endpoint_of(conn: Connection, account_id: UUID, endpoint_id: UUID) -> WebhookEndpoint | None:
    """Return an account's endpoint, or None if it has no such endpoint."""
    query = select(webhook_endpoints).where(_endpoints.account_id == account_id, _endpoints.id == endpoint_id)
    row = conn.execute(query).one_or_none()
    return None if row is None else WebhookEndpoint.from_row(row)


def count_endpoints(conn: Connection, account_id: UUID) -> int:
    """Return how many endpoints an account has."""
    query = select(func.count()).select_from(webhook_endpoints).where(_endpoints.account_id == account_id)
    return conn.scalars(query).one()


def endpoint_page(conn: Connection, account_id: UUID, window: Window) -> Page[WebhookEndpoint]:
    """Return one page of an account's endpoints, oldest first; the key is (id,)."""
    query = select(webhook_endpoints).where(_endpoints.account_id == account_id)
    return fetch_page(conn, query, (_endpoints.id,), window, WebhookEndpoint.from_row, descending=False)


def change_endpoint(conn: Connection, endpoint_id: UUID, **values: Any) -> WebhookEndpoint:
    """Set columns of an endpoint that exists, and return it."""
    changed = update(webhook_endpoints).where(_endpoints.id == endpoint_id).values(**values)
    return WebhookEndpoint.from_row(conn.execute(changed.returning(webhook_endpoints)).one())


def disable_endpoint(conn: Connection, endpoint_id: UUID, reason: WebhookDisabledReason) -> WebhookEndpoint:
    """Stop deliveries to an endpoint; it stays at its position. One that is disabled already keeps reason and time."""
    return change_endpoint(
        conn,
        endpoint_id,
        disabled_reason=func.coalesce(_endpoints.disabled_reason, str(reason)),
        disabled_at=func.coalesce(_endpoints.disabled_at, _now()),
    )


def enable_endpoint(conn: Connection, endpoint_id: UUID) -> WebhookEndpoint:
    """Resume deliveries to an endpoint at once, from its position on, with its failures cleared."""
    return change_endpoint(
        conn, endpoint_id, disabled_reason=None, disabled_at=None, failures=0, failing_since=None, due_at=_now()
    )


def delete_endpoint(conn: Connection, endpoint_id: UUID) -> None:
    """Remove an endpoint with its secrets and its delivery log."""
    conn.execute(delete(webhook_endpoints).where(_endpoints.id == endpoint_id))


def add_secret(conn: Connection, endpoint_id: UUID, secret: str) -> None:
    """Let a secret sign messages to an endpoint."""
    conn.execute(insert(webhook_secrets).values(endpoint_id=endpoint_id, secret=secret))


def live_secrets(conn: Connection, endpoint_id: UUID) -> list[str]:
    """Return the secrets that sign messages to an endpoint, the newest first."""
    works = or_(_secrets.expires_at.is_(None), _secrets.expires_at > _now())
    query = select(_secrets.secret).where(_secrets.endpoint_id == endpoint_id, works)
    return list(conn.scalars(query.order_by(_secrets.expires_at.desc().nulls_first())))


def expire_secrets(conn: Connection, endpoint_id: UUID, after: timedelta) -> None:
    """Let the secrets of an endpoint sign for `after` from the database's time, unless they end sooner."""
    ends_at = func.least(_now() + after, _secrets.expires_at)
    conn.execute(update(webhook_secrets).where(_secrets.endpoint_id == endpoint_id).values(expires_at=ends_at))
    conn.execute(delete(webhook_secrets).where(_secrets.endpoint_id == endpoint_id, _secrets.expires_at <= _now()))
