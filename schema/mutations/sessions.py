"""Mutations for sessions of end users."""

from __future__ import annotations

from datetime import timedelta

import strawberry

from jobs.identity import open_session
from schema.context import Info
from schema.fields import mutation
from schema.types.enums import Tier
from schema.types.errors import UserError
from schema.types.session import Session


@strawberry.input
class CreateSessionInput:
    user_ref: str = strawberry.field(description="Your own name for the end user, 1 to 200 characters.")
    tier: Tier = Tier.FREE
    expires_in_seconds: int = strawberry.field(default=86_400, description="60 to 2592000 (30 days).")


@strawberry.type
class CreateSessionPayload:
    session: Session | None = None
    token: str | None = strawberry.field(default=None, description="For the user's browser. It is returned only once.")
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class SessionMutations:
    @mutation("Open a session for one of your end users. Requires an API key.", CreateSessionPayload)
    async def create_session(self, info: Info, input: CreateSessionInput) -> CreateSessionPayload:
        session, token = await info.context.database.write(
            open_session,
            info.context.principal,
            user_ref=input.user_ref,
            tier=input.tier.value,
            lasts=timedelta(seconds=input.expires_in_seconds),
        )
        return CreateSessionPayload(session=Session.of(session), token=token)
