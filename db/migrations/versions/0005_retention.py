"""History in monthly partitions, and the indexes by which retention finds what is old."""

from __future__ import annotations

from alembic import op

from db.migrate import migration_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute(migration_sql("0005_retention"))
