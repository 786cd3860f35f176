"""Bringing a database to the newest schema, and its rules to what Python declares."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from db.retention import make_history_months
from statemachine.transitions import TRANSITIONS

# Any number of hosts may migrate at once: the first one works, the others wait here and then find nothing to do.
_MIGRATION_LOCK = 7_061_726_541


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema. Calling it again changes nothing.

    Runs in one transaction under an advisory lock, so concurrent callers are safe and a failure leaves no half.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        write_transitions(connection)
        make_history_months(connection)


def current_revision(connection: Connection) -> str | None:
    """Return the revision the database is at, or None when it was never migrated."""
    exists = connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
    return connection.scalar(text("SELECT version_num FROM alembic_version")) if exists else None


def newest_revision() -> str:
    """Return the revision that this program's migrations lead to."""
    names = sorted(path.name for path in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py"))
    return names[-1].split("_", 1)[0]


def migration_sql(name: str) -> str:
    """Return the text of a migration's SQL file."""
    return (files("db") / "migrations" / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def write_transitions(connection: Connection) -> None:
    """Add the rules that Python declares and the database lacks.

    Rules are only added: rows of the history may refer to an old one, and older code may still be running by it.
    """
    rows = [
        {"from_state": rule.from_state or "new", "event": rule.event, "to_state": rule.to_state} for rule in TRANSITIONS
    ]
    connection.execute(
        text("INSERT INTO job_transitions VALUES (:from_state, :event, :to_state) ON CONFLICT DO NOTHING"),
        rows,
    )
