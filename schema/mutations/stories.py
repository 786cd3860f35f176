"""The mutation that creates a story."""

from __future__ import annotations

import strawberry

from jobs.requesting.creation import create_story
from jobs.requesting.requests import StoryRequest
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.mutations.payloads import KeyedPayload
from schema.mutations.request_options import AnimationOptions, RequestInput, SceneInput, accepted
from schema.queries.root import find_story
from schema.types.story import Story


@strawberry.input(description="The selfie, the theme and the motion to make a story of.")
class CreateStoryInput(SceneInput, RequestInput):
    selfie_id: strawberry.ID = strawberry.field(description="The selfie, an asset that is `READY`.")
    animation: AnimationOptions | None = strawberry.field(
        default_factory=AnimationOptions, description="The motion of the video; null to stop at the scene."
    )


@strawberry.type(description="The story that was requested.")
class CreateStoryPayload(KeyedPayload):
    story: Story | None = strawberry.field(default=None, description="The story as it is when the server responds.")


@strawberry.type
class StoryMutations:
    @mutation("Create a story: an avatar from a selfie, a scene with it, and a video of the scene.", CreateStoryPayload)
    async def create_story(self, info: Info, input: CreateStoryInput) -> CreateStoryPayload:
        context = info.context
        request = StoryRequest(
            input.request_options(),
            selfie_id=input_id(input.selfie_id, IdKind.ASSET, "selfieId"),
            scene=input.scene_options(),
            animation=None if input.animation is None else input.animation.options(),
        )
        made = await context.database.write(create_story, context.principal, request, catalogue=context.catalogue)
        await accepted(context, made, IdKind.STORY, input.wait_seconds)
        return CreateStoryPayload(story=await find_story(info, made.resource_id), replayed=made.replayed)
