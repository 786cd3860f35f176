"""The mutation that creates a story."""

from __future__ import annotations

import strawberry

from jobs.requesting.creation import create_story
from jobs.requesting.requests import StoryRequest
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.mutations.request_options import AnimationOptions, RequestInput, SceneInput, accepted
from schema.queries.root import find_story
from schema.types.errors import UserError
from schema.types.story import Story


@strawberry.input
class CreateStoryInput(SceneInput, RequestInput):
    selfie_id: strawberry.ID
    animation: AnimationOptions | None = strawberry.field(
        default_factory=AnimationOptions, description="Null to stop at the scene."
    )


@strawberry.type
class CreateStoryPayload:
    story: Story | None = None
    replayed: bool = strawberry.field(
        default=False, description="True if the key was used before; the payload is what it made then."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list)


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
