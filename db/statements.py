"""The named SQL: one statement a file, each headed by what it does, who calls it and what zero rows means."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sqlalchemy import TextClause, text


@cache
def statement(*names: str) -> TextClause:
    """Return the statement of `db/sql/<name>.sql`, or of several files put together in this order.

    Raises FileNotFoundError for a name without a file.
    """
    folder = files("db") / "sql"
    return text("\n".join((folder / f"{name}.sql").read_text(encoding="utf-8") for name in names))
