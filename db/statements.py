"""The named SQL: one statement a file, each headed by what it does, who calls it and what zero rows means."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text

from db.text import storable


@cache
def statement(*names: str) -> TextClause:
    """Return the statement of `db/sql/<name>.sql`, or of several files put together in this order.

    Raises FileNotFoundError for a name without a file.
    """
    folder = files("db") / "sql"
    return text("\n".join((folder / f"{name}.sql").read_text(encoding="utf-8") for name in names))


def as_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as one parameter, which the statement takes apart with `json_to_recordset`.

    One text is written several times faster than an array a column, each of which the driver escapes word by word.
    Characters that no `text` column takes are replaced: a single one would have the whole statement refused.
    """
    given = list(rows)
    written = json.dumps(given, default=_plain, check_circular=False)
    if _ODD.search(written):
        written = json.dumps([_storable(row) for row in given], default=_plain)
    return written


def _storable(value: Any) -> Any:
    match value:
        case str():
            return storable(value)
        case Mapping():
            return {name: _storable(each) for name, each in value.items()}
        case list() | tuple():
            return [_storable(each) for each in value]
    return value


# NUL, or half of a surrogate pair, as JSON writes them; whole pairs, and what only looks like one, do no harm.
_ODD = re.compile(r"\\u(0000|d[89a-f])")


def _plain(value: object) -> str:
    """Return what JSON has no word for as Postgres reads it."""
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
    raise TypeError(f"{type(value).__name__} can not be a parameter: give it as text, a number, a date or an id")
