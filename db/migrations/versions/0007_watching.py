"""What the provider's list is ordered by, what it said of running predictions, and how long those before took."""

from __future__ import annotations

from alembic import op

from db.migrate import migration_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute(migration_sql("0007_watching"))
