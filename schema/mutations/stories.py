"""Mutations that create, cancel and retry stories."""

from __future__ import annotations

import strawberry

from jobs.requesting.cancellation import cancel_story
from jobs.requesting.creation import create_story
from jobs.requesting.requests import StoryRequest
from jobs.support.retrying_stories import RetryRequest, retry_story
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.mutations.payloads import KeyedPayload, Payload
from schema.mutations.request_options import RequestInput, StoryInput, accepted
from schema.mutations.reviving import hint_revived, job_ids
from schema.queries.root import find_story
from schema.types.story import Story
from statemachine.vocabulary import Step


@strawberry.input(
    description="The selfie, the themes and the motions to make a story of: `theme` for one scene, or `scenes`."
)
class CreateStoryInput(StoryInput, RequestInput):
    pass


@strawberry.type(description="The story that was requested.")
class CreateStoryPayload(KeyedPayload):
    story: Story | None = strawberry.field(default=None, description="The story as it is when the server responds.")


@strawberry.input(description="The story to cancel.")
class CancelStoryInput:
    story_id: strawberry.ID = strawberry.field(
        description="The story to cancel; one that has ended or is ending is refused with `ALREADY_FINISHED`."
    )


@strawberry.type(description="The canceled story.")
class CancelStoryPayload(Payload):
    story: Story | None = strawberry.field(
        default=None, description="The story; a submission under way is awaited first: see `Job.cancelRequestedAt`."
    )


@strawberry.input(description="The story to retry.")
class RetryStoryInput:
    story_id: strawberry.ID = strawberry.field(
        description="A story whose `error` is retryable; some of its jobs may still run."
    )
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters. The same key with the same story retries it once."
    )


@strawberry.type(description="The story that starts again.")
class RetryStoryPayload(KeyedPayload):
    story: Story | None = strawberry.field(default=None, description="The story, which continues where it stopped.")
    revived: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The jobs that start again; empty if `replayed`."
    )


@strawberry.type
class StoryMutations:
    @mutation(
        "Create a story: an avatar from a selfie, one or more scenes with it, and videos of the scenes. Either all of "
        "its jobs are accepted or none.",
        CreateStoryPayload,
    )
    async def create_story(self, info: Info, input: CreateStoryInput) -> CreateStoryPayload:
        context = info.context
        request = StoryRequest(
            input.request_options(),
            selfie_id=input_id(input.selfie_id, IdKind.ASSET, "selfieId"),
            content=input.content(),
        )
        made = await context.database.write(create_story, context.principal, request, catalogue=context.catalogue)
        await accepted(context, made, IdKind.STORY, input.wait_seconds)
        return CreateStoryPayload(story=await find_story(info, made.resource_id), replayed=made.replayed)

    @mutation(
        "Cancel the jobs of a story that have not ended, as `cancelJob` does. What it has made already is kept.",
        CancelStoryPayload,
    )
    async def cancel_story(self, info: Info, input: CancelStoryInput) -> CancelStoryPayload:
        story_id = input_id(input.story_id, IdKind.STORY, "storyId")
        canceled = await info.context.database.write(cancel_story, info.context.principal, story_id)
        info.context.parts.hint(Step.COMPENSATE, canceled)
        return CancelStoryPayload(story=await find_story(info, story_id))

    @mutation(
        "Retry a story in which something failed or was canceled: each job that failed by itself and whose error is "
        "retryable starts again, with those that it needs and those that failed because of it. If nothing failed, the "
        "canceled jobs do. What still runs goes on. Credits are held again, for all or none.",
        RetryStoryPayload,
    )
    async def retry_story(self, info: Info, input: RetryStoryInput) -> RetryStoryPayload:
        context = info.context
        request = RetryRequest(input.idempotency_key, input_id(input.story_id, IdKind.STORY, "storyId"))
        retried = await context.database.write(retry_story, context.principal, request, context.catalogue)
        hint_revived(context, retried.revived)
        story = await find_story(info, request.story_id)
        return RetryStoryPayload(story=story, revived=job_ids(retried.revived), replayed=retried.replayed)
