"""Migrations: bring a database to the newest schema."""

from __future__ import annotations

import time
from importlib.resources import files
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from db.upkeep.retention import make_history_months

log = structlog.get_logger(__name__)

# Any number of hosts may migrate at once: the first one works, the others wait here and then find nothing to do.
MIGRATION_LOCK = 7_061_726_541
# A statement that waits for a table's lock blocks everyone who comes after it. So it gives up well before they
# would (`lock_timeout_s` of the engines), and lets them through before it is tried again.
LOCK_TIMEOUT_MS = 2_000
_TRY_AGAIN_AFTER_S = 1.0


def migrate(engine: Engine) -> None:
    """Bring the database to the newest schema. Calling it again changes nothing, nor does it with a newer database.

    Runs in one transaction under an advisory lock, so concurrent callers are safe and a failure leaves nothing behind.
    The engine's limits do not apply: an index over a large table, or another host's migration, may take its time.
    If a table's lock is not available soon, the migration is rolled back and tried again until it is.
    """
    while not _migrated(engine):
        time.sleep(_TRY_AGAIN_AFTER_S)


def _migrated(engine: Engine) -> bool:
    """Migrate; return False, with nothing changed, if another session kept a lock for too long."""
    try:
        with engine.begin() as connection:
            _wait_for_others(connection)
            _migrate(connection)
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable | DeadlockDetected):
            raise
        log.warning("the migration waits for a lock and will be tried again", reason=str(error.orig))
        return False
    return True


def _wait_for_others(connection: Connection) -> None:
    """Wait until no other host migrates; then no statement of this transaction is canceled for how long it takes."""
    _set_for_this_transaction(connection, statement_timeout=0, lock_timeout=0)
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    _set_for_this_transaction(connection, lock_timeout=LOCK_TIMEOUT_MS)


def _set_for_this_transaction(connection: Connection, **settings_ms: int) -> None:
    for name, value_ms in settings_ms.items():
        connection.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": str(value_ms)})


def _migrate(connection: Connection) -> None:
    if is_behind(current_revision(connection)):
        upgrade(connection, "head")
    make_history_months(connection)
    if not connection.scalar(text("SELECT grant_access()")):
        log.warning("the roles of the API are missing, because this user may not create them: see docs/operations.md")


def upgrade(connection: Connection, revision: str) -> None:
    """Run the migrations that lead to a revision, in the caller's transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def current_revision(connection: Connection) -> str | None:
    """Return the revision the database is at, or None when it was never migrated."""
    exists = connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
    return connection.scalar(text("SELECT version_num FROM alembic_version")) if exists else None


def revisions() -> list[str]:
    """Return this program's revisions, the oldest first."""
    versions = (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py")
    return sorted(path.name.split("_", 1)[0] for path in versions)


def newest_revision() -> str:
    """Return the revision that this program's migrations lead to."""
    return revisions()[-1]


def is_behind(revision: str | None) -> bool:
    """Return whether this program needs a newer schema than a database at `revision` has.

    A newer database is not: migrations run under the previous code, before the new one comes and after
    it was rolled back.
    """
    return revision is None or revision < newest_revision()


def migration_sql(name: str) -> list[str]:
    """Return the texts of a migration's SQL files, in the order of their names: one file, or a folder of them."""
    place = files("db") / "migrations" / "sql"
    parts = sorted((place / name).iterdir(), key=lambda part: part.name)
    return [part.read_text(encoding="utf-8") for part in parts]
