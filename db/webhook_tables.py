"""The tables of webhooks to partners as SQLAlchemy knows them, in the same metadata as the others."""

from __future__ import annotations

from sqlalchemy import BigInteger as Big
from sqlalchemy import Integer as Int
from sqlalchemy import SmallInteger as Small
from sqlalchemy import Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

from db.tables import Time, table

webhook_endpoints = table(
    "webhook_endpoints",
    id=Uuid,
    account_id=Uuid,
    url=Text,
    description=Text,
    event_types=ARRAY(Text),
    position=Big,
    failures=Int,
    failing_since=Time,
    due_at=Time,
    lease=Big,
    lease_expires_at=Time,
    claimed_by=Text,
    disabled_reason=Text,
    disabled_at=Time,
    succeeded_at=Time,
    failed_at=Time,
    created_at=Time,
)
webhook_secrets = table("webhook_secrets", endpoint_id=Uuid, secret=Text, created_at=Time, expires_at=Time)
webhook_deliveries = table(
    "webhook_deliveries",
    id=Uuid,
    endpoint_id=Uuid,
    account_id=Uuid,
    webhook_id=Text,
    type=Text,
    position=Big,
    attempt=Int,
    at=Time,
    duration_ms=Int,
    response_status=Small,
    failure=Text,
)
