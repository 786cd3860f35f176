"""Turning the refusals of use cases into the `userErrors` of a mutation's payload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField

from jobs.errors import Forbidden, UseCaseError
from schema.context import Info
from schema.types.errors import user_error


class UserErrors(FieldExtension):
    """Returns the payload with its `userErrors` where the mutation raises a UseCaseError.

    Forbidden becomes a top-level error: no other input would help.
    """

    def __init__(self, payload: Callable[..., Any]) -> None:
        self._payload = payload

    def apply(self, field: StrawberryField) -> None:
        """Describe the one argument that every mutation has."""
        for argument in field.arguments:
            argument.description = "The arguments of the mutation, in one object."

    async def resolve_async(self, next_: Callable[..., Awaitable[Any]], source: Any, info: Any, **kwargs: Any) -> Any:
        """Run the mutation with fresh loaders, because the one before it may have changed what they cached."""
        context: Info = info
        context.context.discard_loaded()
        try:
            return await next_(source, info, **kwargs)
        except Forbidden:
            raise
        except UseCaseError as error:
            return self._payload(user_errors=[user_error(error)])
