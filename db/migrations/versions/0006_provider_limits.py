"""What all workers together may ask of the provider."""

from __future__ import annotations

from alembic import op

from db.migrate import migration_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute(migration_sql("0006_provider_limits"))
