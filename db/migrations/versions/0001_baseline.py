"""The schema of the first release, frozen: everything is spelled out in `sql/0001_baseline`."""

from __future__ import annotations

from alembic import op

from db.migrate import migration_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    for text in migration_sql("0001_baseline"):
        op.execute(text)
