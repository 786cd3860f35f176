"""Keyset pages: the rows after or before a key, with no offset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, literal, tuple_

T = TypeVar("T")

PAGE_MAX = 100


@dataclass(frozen=True, slots=True)
class Window:
    """The requested page: `size` rows after `after`, or before `before` if `backward`. Keys follow the order."""

    size: int
    after: tuple[Any, ...] | None = None
    before: tuple[Any, ...] | None = None
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page in the requested order, with flags for whether more rows follow or precede it."""

    items: Sequence[T]
    has_next: bool
    has_previous: bool


def fetch_page(
    conn: Connection,
    query: Select[Any],
    key: Sequence[ColumnElement[Any]],
    window: Window,
    build: Callable[[Any], T],
    *,
    descending: bool,
) -> Page[T]:
    """Read one page of `query` ordered by `key`, plus one row to learn if there are more."""
    columns = tuple_(*key)
    if window.after is not None:
        query = query.where(columns < _row(key, window.after) if descending else columns > _row(key, window.after))
    if window.before is not None:
        query = query.where(columns > _row(key, window.before) if descending else columns < _row(key, window.before))
    falling = descending != window.backward
    query = query.order_by(*(column.desc() if falling else column.asc() for column in key)).limit(window.size + 1)
    rows = [build(row) for row in conn.execute(query)]
    more = len(rows) > window.size
    rows = rows[: window.size]
    if window.backward:
        return Page(rows[::-1], has_next=window.before is not None, has_previous=more)
    return Page(rows, has_next=more, has_previous=window.after is not None)


def _row(key: Sequence[ColumnElement[Any]], values: tuple[Any, ...]) -> ColumnElement[Any]:
    return tuple_(*(literal(value, column.type) for column, value in zip(key, values, strict=True)))
