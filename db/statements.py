"""The named SQL: one statement a file, each headed by what it does, who calls it and what zero rows means."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sqlalchemy import TextClause, text


@cache
def statement(name: str) -> TextClause:
    """Return the statement of `db/sql/<name>.sql`; raise FileNotFoundError for a name without a file."""
    return text((files("db") / "sql" / f"{name}.sql").read_text(encoding="utf-8"))
