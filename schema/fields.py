"""Decorators of resolvers: Strawberry's own, with the types that survive them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import strawberry

from schema.paging import Paged
from schema.user_errors import UserErrors
from statemachine.vocabulary import KeyScope

F = TypeVar("F", bound=Callable[..., Any])


# The key under which a field declares how many rows its list may have, for the cost of a query.
ROWS = "rows"


def field(description: str, *, rows: int | None = None) -> Callable[[F], F]:
    """Make a method the resolver of a field. A list without a page size declares the most `rows` that it may have."""
    return cast("Callable[[F], F]", strawberry.field(description=description, metadata={ROWS: rows} if rows else None))


def paged_field(description: str) -> Callable[[F], F]:
    """Make a method the resolver of a connection, with Relay's arguments as its parameter `page`."""
    return cast("Callable[[F], F]", strawberry.field(description=description, extensions=[Paged()]))


def mutation(description: str, payload: Callable[..., Any], *, scope: KeyScope = KeyScope.REQUESTS) -> Callable[[F], F]:
    """Make a method the resolver of a mutation, whose refusals become the `userErrors` of its payload.

    An API key needs `scope` for it.
    """
    refusing = UserErrors(payload, scope)
    return cast("Callable[[F], F]", strawberry.mutation(description=description, extensions=[refusing]))


def subscription(description: str) -> Callable[[F], F]:
    """Make a generator the resolver of a subscription."""
    return cast("Callable[[F], F]", strawberry.subscription(description=description))
