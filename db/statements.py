"""The named SQL: one statement per file, headed by its purpose, its caller and the meaning of zero rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, Dialect, TextClause, text
from sqlalchemy.dialects.postgresql.psycopg import dialect
from sqlalchemy.exc import DBAPIError

from db.text import storable

ROOMS = ("engine", "records", "upkeep")


@cache
def statement(*names: str) -> TextClause:
    """Return the statement in `<name>.sql` of a room's `sql` folder, or several files joined in this order.

    Raises FileNotFoundError for a name without a file.
    """
    return text("\n".join(source_of(name) for name in names))


def execute(conn: Connection, *names: str, given: Mapping[str, Any]) -> Sequence[Any]:
    """Run a statement of the engine's hot path with the values for its `:names`; return its rows as named tuples.

    On a thread it runs on the driver's own cursor, because SQLAlchemy takes as long again as the driver. The errors are
    SQLAlchemy's on every path.
    """
    query = _for_driver(*names)
    driver = conn.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        result = conn.exec_driver_sql(query, given)
        return result.all() if result.returns_rows else ()
    if not conn.in_transaction():
        # As SQLAlchemy would: otherwise `commit` would find nothing to commit.
        conn.begin()
    try:
        return _rows(driver, query, given)
    except psycopg.Error as error:
        if driver.closed:
            # SQLAlchemy has to see it fail: it then discards all connections of the pool that are as old.
            conn.exec_driver_sql(query, given)
        raise DBAPIError.instance(query, given, error, psycopg.Error, dialect=conn.dialect) from error


def _rows(driver: psycopg.Connection[Any], query: str, given: Mapping[str, Any]) -> Sequence[Any]:
    cursor = driver.cursor(row_factory=namedtuple_row)
    cursor.execute(query, given)
    return cursor.fetchall() if cursor.pgresult and cursor.pgresult.nfields else ()


@cache
def _for_driver(*names: str) -> str:
    """Return a statement with the driver's placeholders, without comments: it parses long ones each time."""
    compiled = str(statement(*names).compile(dialect=_DIALECT))
    return "\n".join(line for line in compiled.splitlines() if not line.lstrip().startswith("--"))


_DIALECT: Dialect = dialect()  # type: ignore[no-untyped-call]


def source_of(name: str) -> str:
    """Return the SQL in `db/<room>/sql/<name>.sql`. A name is unique among all rooms."""
    for room in ROOMS:
        file = files(f"db.{room}") / "sql" / f"{name}.sql"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise FileNotFoundError(f"no SQL file is named {name}.sql in db/{{{','.join(ROOMS)}}}/sql")


def as_json(rows: Iterable[object]) -> str:
    """Return rows, mappings or dataclasses as one parameter, which the statement expands with `json_to_recordset`.

    One JSON text is written several times faster than one array per column, each of which the driver escapes item by
    item. Characters that no `text` column accepts are replaced: a single one makes Postgres reject the statement.
    """
    given = list(rows)
    try:
        written = orjson.dumps(given)
    except orjson.JSONEncodeError:
        # Most likely a lone surrogate; a value with no JSON form is rejected again below.
        written = b""
    if not written or _NUL in written:
        written = orjson.dumps([_storable(row) for row in given])
    return written.decode()


def _storable(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    match value:
        case str():
            return storable(value)
        case Mapping():
            return {name: _storable(each) for name, each in value.items()}
        case list() | tuple():
            return [_storable(each) for each in value]
    return value


_NUL = rb"\u0000"
