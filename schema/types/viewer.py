"""The caller as the API sees them."""

from __future__ import annotations

import strawberry

from jobs.identity import Principal
from schema.types.enums import Role, Tier
from schema.types.session import Session


@strawberry.type(description="Who is asking, and what they may ask for.")
class Viewer:
    role: Role
    name: str = strawberry.field(description="The name of the API key, or the session's user reference.")
    tier: Tier
    session: Session | None = strawberry.field(description="Null for an API key.")

    @classmethod
    def of(cls, caller: Principal) -> Viewer:
        """Return the viewer of a caller."""
        return cls(
            role=Role(caller.role),
            name=caller.name,
            tier=Tier(caller.tier),
            session=None if caller.session is None else Session.of(caller.session),
        )
