"""The migrations produce the checked-in schema, from whichever revision a database starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, Dialect, Engine, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from db.connection import DatabaseSettings, connect
from db.migrate import migrate, revisions, upgrade
from db.stream_tables import stream_tickets as stream_tickets
from db.support_tables import redrives as redrives
from db.tables import metadata
from db.webhook_tables import webhook_endpoints as webhook_endpoints
from tests.support.schema_dump import CHECKED_IN, schema_dump

ROWS = Path(__file__).parent / "rows"
PLAIN_POSTGRES: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


def rows_for(revision: str) -> str:
    """Return the SQL that fills a database at a revision: the file of that revision, or of the last one before it."""
    return max(path for path in ROWS.glob("*.sql") if path.stem <= revision).read_text(encoding="utf-8")


def counts(conn: Connection) -> dict[str, int]:
    """Return how many rows each table has; the months of the history count as one table."""
    tables = [name for name in inspect(conn).get_table_names() if not name.startswith("job_events_")]
    return {name: conn.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0 for name in tables}


def compiled(kind: TypeEngine[object]) -> str:
    return kind.compile(PLAIN_POSTGRES)


def test_the_migrations_produce_the_checked_in_schema(database_url: str) -> None:
    assert schema_dump(database_url) == CHECKED_IN.read_text(encoding="utf-8")


@pytest.mark.parametrize("revision", revisions())
def test_every_revision_upgrades_with_its_rows_to_the_checked_in_schema(
    new_database: Callable[[str | None], str], revision: str
) -> None:
    url = new_database(None)
    engine = connect(DatabaseSettings(url, pool_size=1), name="test")
    with engine.begin() as conn:
        upgrade(conn, revision)
        conn.exec_driver_sql(rows_for(revision))
        before = counts(conn)
    migrate(engine)
    with engine.connect() as conn:
        after = counts(conn)
    engine.dispose()
    assert [table for table, rows in before.items() if not rows] == [], "every table has a row to be migrated"
    assert [table for table, rows in before.items() if after[table] < rows] == [], "no row is lost"
    assert schema_dump(url) == CHECKED_IN.read_text(encoding="utf-8")


@pytest.mark.filterwarnings("ignore:Did not recognize type")
@pytest.mark.parametrize("table", metadata.tables.values(), ids=str)
def test_declared_tables_match_the_database(engine: Engine, table: object) -> None:
    declared = metadata.tables[str(table)]
    columns = [each for each in inspect(engine).get_columns(declared.name) if each["name"] in declared.columns]
    found = {each["name"]: compiled(each["type"]) for each in columns}
    assert {column.name: compiled(column.type) for column in declared.columns}.items() <= found.items()


def test_every_table_is_declared_unless_only_statements_use_it(engine: Engine) -> None:
    rules = {"job_error_codes", "job_states", "job_transitions"}
    only_in_statements = {
        "alembic_version",
        "provider_webhooks",
        "watcher_status",
        "activity_sequencer",
        "statistics_reader",
        "credit_statistics",
        "credit_statistics_reader",
        "deletion_jobs",
        "deletion_assets",
    } | rules
    tables = {name for name in inspect(engine).get_table_names() if not name.startswith("job_events_")}
    assert tables - only_in_statements == set(metadata.tables)
