"""What a submission is recognized by in the provider's list, and an index of those that are not settled yet."""

from __future__ import annotations

from alembic import op

from db.migrate import migration_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute(migration_sql("0008_correlators"))
