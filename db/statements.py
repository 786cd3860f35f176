"""The named SQL: one statement per file, headed by its purpose, its caller and the meaning of zero rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
from sqlalchemy import Connection, CursorResult, Dialect, TextClause, text
from sqlalchemy.dialects.postgresql import psycopg

from db.text import storable

ROOMS = ("engine", "records", "upkeep")


@cache
def statement(*names: str) -> TextClause:
    """Return the statement in `<name>.sql` of a room's `sql` folder, or several files joined in this order.

    Raises FileNotFoundError for a name without a file.
    """
    return text("\n".join(source_of(name) for name in names))


def execute(conn: Connection, *names: str, given: Mapping[str, Any]) -> CursorResult[Any]:
    """Run a statement of the engine's hot path with the values for its `:names`, as the driver takes it.

    SQLAlchemy then compiles nothing and processes no value, which takes a quarter of the client's time for it.
    """
    return conn.exec_driver_sql(_for_driver(*names), given)


@cache
def _for_driver(*names: str) -> str:
    dialect: Dialect = psycopg.dialect()  # type: ignore[no-untyped-call]
    return str(statement(*names).compile(dialect=dialect))


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
