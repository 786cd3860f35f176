"""The fields that the payloads of mutations share."""

from __future__ import annotations

import strawberry

from schema.types.errors import UserError


@strawberry.type
class Payload:
    """The fields of every payload. Not in the SDL, because GraphQL types do not inherit."""

    user_errors: list[UserError] = strawberry.field(
        default_factory=list,
        description="What to fix in the input; unless it is empty, the other fields are null, empty or false.",
    )


@strawberry.type
class KeyedPayload(Payload):
    """The fields of the payload of a mutation with an idempotency key. Not in the SDL either."""

    replayed: bool = strawberry.field(
        default=False, description="True if the key was used before; the payload is then that of the earlier request."
    )
