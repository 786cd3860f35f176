"""Accounts, assets, stories, jobs, their rules and their history."""

from __future__ import annotations

from alembic import op

from db.migrate import migration_sql, write_transitions
from statemachine.steps import STEP_OF
from statemachine.vocabulary import TERMINAL

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(migration_sql("0001_accounts"))
    cases = " ".join(f"WHEN '{state}' THEN '{step}'" for state, step in STEP_OF.items())
    terminal = ", ".join(f"'{state}'" for state in sorted(TERMINAL))
    jobs = migration_sql("0001_jobs").replace("{step_cases}", cases).replace("{terminal_states}", terminal)
    op.execute(jobs)
    write_transitions(op.get_bind())
