"""Turning the refusals of use cases into the `userErrors` of a mutation's payload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from jobs.errors import Forbidden, UseCaseError
from schema.admitted import check_admitted
from schema.context import Info
from schema.roles import LEAST_ROLE, check_role
from schema.types.errors import user_error
from statemachine.vocabulary import KeyScope


class UserErrors(FieldExtension):
    """Returns the payload with its `userErrors` where the mutation raises a UseCaseError.

    Forbidden becomes a top-level error: no other input would help. It is raised here for a key without the scope
    and for support without the role, and Suspended is for a suspended caller.
    """

    def __init__(self, payload: Callable[..., Any], scope: KeyScope) -> None:
        self._payload = payload
        self._scope = scope
        self._mutation = ""

    def apply(self, field: StrawberryField) -> None:
        """Describe the one argument that every mutation has; raise LookupError for a mutation that needs no role."""
        self._mutation = to_camel_case(field.python_name)
        if self._mutation not in LEAST_ROLE:
            raise LookupError(f"add {self._mutation} to schema/roles.py, with the role that support needs for it")
        for argument in field.arguments:
            argument.description = "The arguments of the mutation, in one object."

    async def resolve_async(self, next_: Callable[..., Awaitable[Any]], source: Any, info: Any, **kwargs: Any) -> Any:
        """Run the mutation with fresh loaders, because the one before it may have changed what they cached."""
        context: Info = info
        context.context.discard_loaded()
        check_admitted(context.context.principal)
        check_role(context.context.principal, self._mutation)
        if self._scope not in context.context.principal.scopes:
            raise Forbidden(f"This API key lacks the scope {self._scope.name}: use a key that has it.")
        try:
            return await next_(source, info, **kwargs)
        except Forbidden:
            raise
        except UseCaseError as error:
            return self._payload(user_errors=[user_error(error)])
