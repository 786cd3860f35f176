"""Reading a long list page by page: each page on a connection of its own, so that a slow reader keeps none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from sqlalchemy import Connection

from db.paging import Page, Window
from schema.database import Database

T = TypeVar("T")

_AT_ONCE = 200


async def pages(
    database: Database, read: Callable[[Connection, Window], Page[T]], key: Callable[[T], tuple[Any, ...]]
) -> AsyncIterator[list[T]]:
    """Yield the pages of a list; `key` returns the place of an item in its order."""
    after: tuple[Any, ...] | None = None
    while True:
        page = await database.read(read, Window(_AT_ONCE, after))
        if page.items:
            yield list(page.items)
        if not page.has_next:
            return
        after = key(page.items[-1])
