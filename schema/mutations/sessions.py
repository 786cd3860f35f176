"""Mutations for sessions of end users."""

from __future__ import annotations

from datetime import timedelta

import strawberry

from jobs.identity import close_session, open_session
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.mutations.payloads import Payload
from schema.types.enums import Tier
from schema.types.session import Session
from statemachine.vocabulary import KeyScope


@strawberry.input(description="The end user, and what the session may request.")
class CreateSessionInput:
    user_ref: str = strawberry.field(description="Your own name for the end user, 1 to 200 characters.")
    tier: Tier = strawberry.field(default=Tier.FREE, description="The tier in which the session's requests run.")
    expires_in_seconds: int = strawberry.field(
        default=86_400, description="How long the token works, in seconds: 60 to 2592000 (30 days)."
    )


@strawberry.type(description="The session and its token.")
class CreateSessionPayload(Payload):
    session: Session | None = strawberry.field(default=None, description="The session, without its token.")
    token: str | None = strawberry.field(
        default=None, description="For the user's browser, as `Authorization: Bearer`. It is returned only once."
    )


@strawberry.input(description="The session to end.")
class EndSessionInput:
    session_id: strawberry.ID | None = strawberry.field(
        default=None, description="The session; null for that of the token, which logs its user out."
    )


@strawberry.type(description="The session that has ended.")
class EndSessionPayload(Payload):
    session: Session | None = strawberry.field(default=None, description="The session, with the time of its end.")


@strawberry.type
class SessionMutations:
    @mutation(
        "Open a session for one of your end users. Requires an API key.", CreateSessionPayload, scope=KeyScope.SESSIONS
    )
    async def create_session(self, info: Info, input: CreateSessionInput) -> CreateSessionPayload:
        session, token = await info.context.database.write(
            open_session,
            info.context.principal,
            user_ref=input.user_ref,
            tier=input.tier.value,
            lasts=timedelta(seconds=input.expires_in_seconds),
        )
        return CreateSessionPayload(session=Session.of(session), token=token)

    @mutation(
        "End a session at once, also one that has ended: its token stops working, and its open sockets are closed. Its "
        "jobs go on.",
        EndSessionPayload,
        scope=KeyScope.SESSIONS,
    )
    async def end_session(self, info: Info, input: EndSessionInput) -> EndSessionPayload:
        session_id = None if input.session_id is None else input_id(input.session_id, IdKind.SESSION, "sessionId")
        ended = await info.context.database.write(close_session, info.context.principal, session_id)
        return EndSessionPayload(session=Session.of(ended))
