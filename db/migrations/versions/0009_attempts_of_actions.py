"""Which submission each undoing is of, and finding the predictions that could not be canceled."""

from __future__ import annotations

from alembic import op

from db.migrate import migration_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute(migration_sql("0009_attempts_of_actions"))
