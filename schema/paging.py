"""Pages: Relay's connections over keysets. No total is offered: counting rows takes the longer the more there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import strawberry

from db.paging import PAGE_MAX, Page, Window
from schema.errors import BAD_USER_INPUT, ApiError

R = TypeVar("R")
T = TypeVar("T")


@strawberry.type(description="Whether there is more before and after a page, and the cursors of its ends.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(description="One row of a page.")
class Edge(Generic[T]):
    node: T
    cursor: str


@strawberry.type(description="One page, in the order asked for.")
class Connection(Generic[T]):
    edges: list[Edge[T]]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[R], node: Callable[[R], T], cursor: Callable[[R], str]) -> Connection[T]:
        """Return the connection of a page of records."""
        edges = [Edge(node=node(item), cursor=cursor(item)) for item in page.items]
        info = PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        )
        return cls(edges=edges, page_info=info)


def window(
    read: Callable[[str], tuple[Any, ...]],
    *,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> Window:
    """Return the page that is asked for; raise ApiError unless exactly one of `first` and `last` is from 1 to 100."""
    size = first if last is None else last
    if (first is None) is (last is None) or size is None or not 1 <= size <= PAGE_MAX:
        raise ApiError(BAD_USER_INPUT, f"Give either `first` or `last`, from 1 to {PAGE_MAX}.")
    return Window(
        size,
        after=None if after is None else read(after),
        before=None if before is None else read(before),
        backward=last is not None,
    )
