"""Pages: Relay's connections over keysets. There is no total, because counting takes longer the more rows there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions import FieldExtension
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from db.paging import PAGE_MAX, Page, Window
from schema.errors import BAD_USER_INPUT, ApiError

R = TypeVar("R")
T = TypeVar("T")


@strawberry.type(description="The cursors at the ends of a page, and whether more rows precede or follow it.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="True if more items follow this page in the list's order.")
    has_previous_page: bool = strawberry.field(description="True if items precede this page in the list's order.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first item, for `before`; null on an empty page."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last item, for `after`; null on an empty page."
    )


@strawberry.type(description="One item of a page.")
class Edge(Generic[T]):
    node: T = strawberry.field(description="The item itself.")
    cursor: str = strawberry.field(description="Pass it as `after` or `before` to continue from this item.")


@strawberry.type(description="One page, in the requested order.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The items with their cursors.")
    page_info: PageInfo = strawberry.field(description="The cursors at its ends, and whether there is more.")

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


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The page that a caller requests: `size` rows after or before a cursor, counted from the end where `backward`."""

    size: int
    after: str | None
    before: str | None
    backward: bool

    @classmethod
    def of(
        cls, first: int | None = None, after: str | None = None, last: int | None = None, before: str | None = None
    ) -> PageRequest:
        """Return the page of these arguments; raise ApiError unless exactly one of `first` and `last` is 1 to 100."""
        size = first if last is None else last
        if (first is None) is (last is None) or size is None or not 1 <= size <= PAGE_MAX:
            raise ApiError(BAD_USER_INPUT, f"Give either `first` or `last`, from 1 to {PAGE_MAX}.")
        return cls(size, after, before, backward=last is not None)

    def window(self, read: Callable[[str], tuple[Any, ...]]) -> Window:
        """Return the window of rows to fetch, its cursors read by `read`."""
        return Window(
            self.size,
            after=None if self.after is None else read(self.after),
            before=None if self.before is None else read(self.before),
            backward=self.backward,
        )


class Paged(FieldExtension):
    """Adds Relay's arguments to a field, and hands them to its resolver as `page`, already checked."""

    def apply(self, field: StrawberryField) -> None:
        """Replace the parameter `page` by the four arguments."""
        own = [argument for argument in field.arguments if argument.python_name != "page"]
        field.arguments = [
            _optional(
                "first", int, f"The size of the page, 1 to {PAGE_MAX}, from the beginning of the list or after `after`."
            ),
            _optional("after", str, "The cursor that the page begins after; only with `first`."),
            _optional(
                "last", int, f"The size of the page, 1 to {PAGE_MAX}, from the end of the list or before `before`."
            ),
            _optional("before", str, "The cursor that the page ends before; only with `last`."),
            *own,
        ]

    async def resolve_async(
        self,
        next_: Callable[..., Awaitable[Any]],
        source: Any,
        info: Any,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        **others: Any,
    ) -> Any:
        """Resolve the field with its page."""
        return await next_(source, info, page=PageRequest.of(first, after, last, before), **others)


def _optional(name: str, type_: type, description: str) -> StrawberryArgument:
    return StrawberryArgument(name, None, StrawberryAnnotation(type_ | None), default=None, description=description)
