"""Mutations for readers of streams that can send no header."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import strawberry

from jobs.errors import Invalid, NotFound
from jobs.stream_tickets import make_ticket
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.mutations.payloads import Payload
from schema.scalars import URL
from schema.streams.addresses import ACTIVITY, path_of, with_ticket
from statemachine.vocabulary import KeyScope


@strawberry.input(
    description="The stream that the ticket opens. Give exactly one of `activity`, `storyId` and `jobId`."
)
class CreateStreamTicketInput:
    activity: bool = strawberry.field(default=False, description="True for the activity of the account.")
    story_id: strawberry.ID | None = strawberry.field(default=None, description="The story.")
    job_id: strawberry.ID | None = strawberry.field(default=None, description="The job.")
    expires_in_seconds: int = strawberry.field(
        default=600, description="How long the ticket opens the stream, in seconds: 60 to 3600."
    )


@strawberry.type(description="The address of the stream.")
class CreateStreamTicketPayload(Payload):
    url: URL | None = strawberry.field(
        default=None,
        description="The address with the ticket in it, to which `&live=sse&offset=-1` can be appended. Who has it can "
        "read the stream: do not log it.",
    )
    expires_at: datetime | None = strawberry.field(default=None, description="When the ticket stops working.")


@strawberry.type
class StreamTicketMutations:
    @mutation(
        "Make an address from which one stream can be read without a header, as a browser's `EventSource` has to. It "
        "works for a short time, and less if the API key is revoked, the session ends or the caller is suspended.",
        CreateStreamTicketPayload,
        scope=KeyScope.SESSIONS,
    )
    async def create_stream_ticket(self, info: Info, input: CreateStreamTicketInput) -> CreateStreamTicketPayload:
        context = info.context
        if context.base_url is None:
            raise Invalid("Send this over HTTP: over a socket the server does not know its own address.", "input")
        path, lasts = await _path(info, input), timedelta(seconds=input.expires_in_seconds)
        ticket, expires_at = await context.database.write(make_ticket, context.principal, path, lasts)
        return CreateStreamTicketPayload(url=URL(with_ticket(context.base_url, path, ticket)), expires_at=expires_at)


async def _path(info: Info, given: CreateStreamTicketInput) -> str:
    """Return the path of the stream; raise Invalid or NotFound for none, for several, and for one of others."""
    if sum((given.activity, given.story_id is not None, given.job_id is not None)) != 1:
        raise Invalid("Give exactly one of `activity`, `storyId` and `jobId`.", "input")
    if given.story_id is not None:
        return await _existing(info, input_id(given.story_id, IdKind.STORY, "storyId"), IdKind.STORY)
    if given.job_id is not None:
        return await _existing(info, input_id(given.job_id, IdKind.JOB, "jobId"), IdKind.JOB)
    if info.context.principal.is_support:
        raise Invalid("Support has no activity of its own: give `storyId` or `jobId`.", "input", "activity")
    return ACTIVITY


async def _existing(info: Info, id: UUID, kind: IdKind) -> str:
    loaders = info.context.loaders
    if await (loaders.stories if kind is IdKind.STORY else loaders.jobs).load(id) is None:
        raise NotFound(f"The {kind} does not exist.", "input", f"{kind}Id")
    return path_of(kind, id)
