"""Prompt experiments and what became of them."""

from __future__ import annotations

from alembic import op

from db.migrate import migration_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(migration_sql("0004_prompt_experiments"))
