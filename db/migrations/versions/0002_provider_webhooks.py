"""What comes to be known of a submission beside its own answer, and the webhooks that came in."""

from __future__ import annotations

from alembic import op

from db.migrate import migration_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(migration_sql("0002_provider_webhooks"))
