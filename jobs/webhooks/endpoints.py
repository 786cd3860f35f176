"""Webhook endpoints: partners create, change, disable and resume them, and have messages delivered again."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from db.paging import Page, Window
from db.records.accounts import lock_account
from db.records.activity import head
from db.records.webhook_deliveries import WebhookDelivery, delivery_page
from db.records.webhook_endpoints import (
    WebhookEndpoint,
    add_secret,
    change_endpoint,
    count_endpoints,
    delete_endpoint,
    disable_endpoint,
    enable_endpoint,
    endpoint_of,
    endpoint_page,
    expire_secrets,
    insert_endpoint,
    live_secrets,
)
from jobs.errors import Forbidden, Invalid, NotFound
from jobs.identity import Principal
from jobs.webhooks.reach import WebhookReach
from statemachine.vocabulary import WebhookDisabledReason, WebhookEventType

ENDPOINTS_PER_ACCOUNT_MAX = 100
DESCRIPTION_MAX = 200
OVERLAP_MAX = timedelta(days=30)
# More signatures than this would make a header that some servers refuse.
SECRETS_MAX = 5
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class EndpointChanges:
    """The fields of an endpoint that its account sets; None leaves one as it is."""

    url: str | None = None
    description: str | None = None
    event_types: Collection[WebhookEventType] | None = None

    @property
    def values(self) -> dict[str, Any]:
        """Return the columns to set."""
        types = None if self.event_types is None else sorted(set(self.event_types))
        given = {"url": self.url, "description": self.description, "event_types": types}
        return {name: value for name, value in given.items() if value is not None}

    def check(self, reach: WebhookReach) -> None:
        """Raise Invalid for a field out of bounds."""
        if self.url is not None and not reach.accepts(self.url):
            raise Invalid(reach.complaint, "input", "url")
        if self.description is not None and len(self.description) > DESCRIPTION_MAX:
            raise Invalid(f"description must have at most {DESCRIPTION_MAX} characters.", "input", "description")
        if self.event_types is not None and not self.event_types:
            raise Invalid("eventTypes must name at least one type.", "input", "eventTypes")


def create_endpoint(
    conn: Connection, caller: Principal, reach: WebhookReach, wanted: EndpointChanges
) -> tuple[WebhookEndpoint, str]:
    """Add an endpoint for what happens from now on; return it and its secret, which cannot be read again.

    Raises Invalid for a field out of bounds and for too many endpoints, and Forbidden for a session.
    """
    account_id = _account(caller)
    wanted.check(reach)
    # Two endpoints added at once must not both be the last that an account may have.
    lock_account(conn, account_id)
    if count_endpoints(conn, account_id) >= ENDPOINTS_PER_ACCOUNT_MAX:
        raise Invalid(f"An account has at most {ENDPOINTS_PER_ACCOUNT_MAX} endpoints: delete some first.", "input")
    endpoint = insert_endpoint(
        conn,
        account_id,
        url=wanted.url or "",
        description=wanted.description or "",
        event_types=set(wanted.event_types or ()),
        position=head(conn, account_id).position,
    )
    return endpoint, _new_secret(conn, endpoint.id)


def update_endpoint(
    conn: Connection, caller: Principal, reach: WebhookReach, endpoint_id: UUID, changes: EndpointChanges
) -> WebhookEndpoint:
    """Change an endpoint and return it. Raises NotFound, Invalid for a field out of bounds, Forbidden for a session."""
    endpoint = find_endpoint(conn, caller, endpoint_id)
    changes.check(reach)
    values = changes.values
    return change_endpoint(conn, endpoint.id, **values) if values else endpoint


def rotate_secret(
    conn: Connection, caller: Principal, endpoint_id: UUID, *, overlap: timedelta
) -> tuple[WebhookEndpoint, str]:
    """Add a secret to an endpoint and return both; the older ones sign until the database's time + `overlap`.

    Raises NotFound, Invalid for an overlap out of bounds or too many secrets, and Forbidden for a session.
    """
    if not timedelta(0) <= overlap <= OVERLAP_MAX:
        raise Invalid(
            f"overlapSeconds must be from 0 to {OVERLAP_MAX // timedelta(seconds=1)}.", "input", "overlapSeconds"
        )
    endpoint = find_endpoint(conn, caller, endpoint_id)
    lock_account(conn, caller.account_id)
    expire_secrets(conn, endpoint.id, overlap)
    if len(live_secrets(conn, endpoint.id)) >= SECRETS_MAX:
        raise Invalid(
            f"{SECRETS_MAX} secrets sign already: wait until one expires, or end all with overlapSeconds: 0.",
            "input",
            "overlapSeconds",
        )
    return endpoint, _new_secret(conn, endpoint.id)


def disable(conn: Connection, caller: Principal, endpoint_id: UUID) -> WebhookEndpoint:
    """Stop deliveries to an endpoint, and return it. Safe to repeat. Raises NotFound, and Forbidden for a session."""
    return disable_endpoint(conn, find_endpoint(conn, caller, endpoint_id).id, WebhookDisabledReason.REQUESTED)


def enable(conn: Connection, caller: Principal, endpoint_id: UUID) -> WebhookEndpoint:
    """Resume deliveries to an endpoint from where they stopped, and return it. Raises as `disable` does."""
    return enable_endpoint(conn, find_endpoint(conn, caller, endpoint_id).id)


def redeliver(conn: Connection, caller: Principal, endpoint_id: UUID, *, after: int) -> WebhookEndpoint:
    """Let deliveries to an endpoint go on after a position of the account's activity, and return it.

    Raises NotFound, Invalid for a position that the activity has not reached, and Forbidden for a session.
    """
    endpoint = find_endpoint(conn, caller, endpoint_id)
    if after > head(conn, endpoint.account_id).position:
        raise Invalid("The cursor is not one of your account's activity.", "input", "after")
    return change_endpoint(conn, endpoint.id, position=after)


def remove(conn: Connection, caller: Principal, endpoint_id: UUID) -> WebhookEndpoint:
    """Delete an endpoint with its log, and return it as it was. Raises NotFound, and Forbidden for a session."""
    endpoint = find_endpoint(conn, caller, endpoint_id)
    delete_endpoint(conn, endpoint.id)
    return endpoint


def find_endpoint(conn: Connection, caller: Principal, endpoint_id: UUID) -> WebhookEndpoint:
    """Return an endpoint of the caller's account. Raises NotFound, and Forbidden for a session."""
    found = endpoint_of(conn, _account(caller), endpoint_id)
    if found is None:
        raise NotFound("There is no such webhook endpoint.", "input", "id")
    return found


def endpoints_of(conn: Connection, caller: Principal, window: Window) -> Page[WebhookEndpoint]:
    """Return a page of the endpoints of the caller's account, oldest first. Raises Forbidden for a session."""
    return endpoint_page(conn, _account(caller), window)


def deliveries_of(
    conn: Connection, caller: Principal, endpoint_id: UUID | None, window: Window
) -> Page[WebhookDelivery]:
    """Return a page of the log of the caller's account, newest first. Raises Forbidden for a session."""
    return delivery_page(conn, _account(caller), endpoint_id, window)


def _account(caller: Principal) -> UUID:
    if caller.key is None:
        raise Forbidden("Only an API key can manage webhooks; this is a session token.")
    return caller.account_id


def _new_secret(conn: Connection, endpoint_id: UUID) -> str:
    """Add a fresh secret to an endpoint, and return it."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    add_secret(conn, endpoint_id, secret)
    return secret
