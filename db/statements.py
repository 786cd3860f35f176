"""The named SQL: one statement a file, each headed by what it does, who calls it and what zero rows means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import orjson
from sqlalchemy import TextClause, text

from db.text import storable


@cache
def statement(*names: str) -> TextClause:
    """Return the statement of `db/sql/<name>.sql`, or of several files put together in this order.

    Raises FileNotFoundError for a name without a file.
    """
    folder = files("db") / "sql"
    return text("\n".join((folder / f"{name}.sql").read_text(encoding="utf-8") for name in names))


def as_json(rows: Iterable[object]) -> str:
    """Return rows, mappings or dataclasses, as one parameter, which the statement takes apart with `json_to_recordset`.

    One text is written several times faster than an array a column, each of which the driver escapes word by word.
    Characters that no `text` column takes are replaced: a single one would have the whole statement refused.
    """
    given = list(rows)
    try:
        written = orjson.dumps(given)
    except orjson.JSONEncodeError:
        # Half of a surrogate pair, most likely; what else has no form in JSON is refused again.
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
