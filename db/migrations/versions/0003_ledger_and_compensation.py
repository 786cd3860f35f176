"""Credits as a ledger, and undoing as rows."""

from __future__ import annotations

from alembic import op

from db.migrate import migration_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute(migration_sql("0003_ledger_and_compensation"))
