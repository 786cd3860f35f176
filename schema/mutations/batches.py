"""Mutations that request and cancel many stories, scenes and animations at once."""

from __future__ import annotations

import strawberry

from jobs.requesting.batches import ITEMS_MAX, JOBS_MAX, create_batch, for_each_item
from jobs.requesting.cancellation import cancel_batch
from jobs.requesting.requests import BatchAnimation, BatchRequest, BatchScene, BatchStory, RequestOptions
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id, input_source
from schema.mutations.payloads import KeyedPayload, Payload
from schema.mutations.request_options import (
    METADATA,
    AnimationOptions,
    KeyedInput,
    SceneInput,
    StoryInput,
    metadata_of,
)
from schema.scalars import JSON
from schema.types.batch import Batch, find_batch
from schema.types.job import Job
from statemachine.vocabulary import Step

_ITEMS = f"A batch has 1 to {ITEMS_MAX} stories, scenes and animations together, and up to {JOBS_MAX} jobs."


@strawberry.input(description="One story of a batch.")
class BatchStoryInput(StoryInput):
    metadata: JSON | None = strawberry.field(default=None, description=METADATA)

    def story(self) -> BatchStory:
        """Return the story as the use case takes it; raise Invalid for a wrong id or wrong metadata."""
        metadata = metadata_of(self.metadata, "input", "metadata")
        return BatchStory(input_id(self.selfie_id, IdKind.ASSET, "selfieId"), self.content(), metadata)


@strawberry.input(description="One scene of a batch.")
class BatchSceneInput(SceneInput):
    avatar_id: strawberry.ID = strawberry.field(
        description="The id of an avatar, or of the job that makes it and need not have ended."
    )
    metadata: JSON | None = strawberry.field(default=None, description=METADATA)

    def scene(self) -> BatchScene:
        """Return the scene as the use case takes it; raise Invalid for a wrong id or wrong metadata."""
        metadata = metadata_of(self.metadata, "input", "metadata")
        asset_id, job_id = input_source(self.avatar_id, "avatarId")
        return BatchScene(self.scene_options(), asset_id, job_id, metadata)


@strawberry.input(description="One animation of a batch.")
class BatchAnimationInput:
    scene_id: strawberry.ID = strawberry.field(
        description="The id of a scene, or of the job that makes it and need not have ended."
    )
    options: AnimationOptions = strawberry.field(
        default_factory=AnimationOptions, description="The motion of the video."
    )
    metadata: JSON | None = strawberry.field(default=None, description=METADATA)

    def animation(self) -> BatchAnimation:
        """Return the animation as the use case takes it; raise Invalid for a wrong id or wrong metadata."""
        metadata = metadata_of(self.metadata, "input", "metadata")
        asset_id, job_id = input_source(self.scene_id, "sceneId")
        return BatchAnimation(self.options.options(), asset_id, job_id, metadata)


@strawberry.input(description="The stories, scenes and animations to create together.")
class CreateBatchInput(KeyedInput):
    stories: list[BatchStoryInput] = strawberry.field(default_factory=list, description=f"The stories. {_ITEMS}")
    scenes: list[BatchSceneInput] = strawberry.field(default_factory=list, description=f"The scenes. {_ITEMS}")
    animations: list[BatchAnimationInput] = strawberry.field(
        default_factory=list, description=f"The animations. {_ITEMS}"
    )

    def request(self) -> BatchRequest:
        """Return the request as the use case takes it; raise Invalid for wrong ids or wrong metadata."""
        return BatchRequest(
            RequestOptions(self.idempotency_key, self.on_failure, self.priority, on_behalf_of=self.on_behalf_of),
            stories=tuple(for_each_item("stories", self.stories, BatchStoryInput.story)),
            scenes=tuple(for_each_item("scenes", self.scenes, BatchSceneInput.scene)),
            animations=tuple(for_each_item("animations", self.animations, BatchAnimationInput.animation)),
        )


@strawberry.type(description="The batch: all of its items, or none.")
class CreateBatchPayload(KeyedPayload):
    batch: Batch | None = strawberry.field(default=None, description="The batch as it is when the server responds.")
    jobs: list[Job] = strawberry.field(
        default_factory=list,
        description="The jobs of its stories, then its scenes, then its animations, each in the order of the request; "
        "empty if none was created.",
    )


@strawberry.input(description="The batch to cancel.")
class CancelBatchInput:
    batch_id: strawberry.ID = strawberry.field(
        description="The batch to cancel; one that has ended or is ending is refused with `ALREADY_FINISHED`."
    )


@strawberry.type(description="The canceled batch.")
class CancelBatchPayload(Payload):
    batch: Batch | None = strawberry.field(
        default=None, description="The batch; submissions under way are awaited first: see `Job.cancelRequestedAt`."
    )


@strawberry.type
class BatchMutations:
    @mutation("Create up to 200 stories, scenes and animations; either all are accepted or none.", CreateBatchPayload)
    async def create_batch(self, info: Info, input: CreateBatchInput) -> CreateBatchPayload:
        context = info.context
        request = input.request()
        made = await context.database.write(create_batch, context.principal, request, catalogue=context.catalogue)
        if not made.replayed:
            context.parts.hint(Step.SUBMIT, ())
        batch = await find_batch(info, made.resource_id)
        jobs = [Job.of(job) for job in batch.jobs] if batch else []
        return CreateBatchPayload(batch=batch, jobs=jobs, replayed=made.replayed)

    @mutation(
        "Cancel the jobs of a batch that have not ended, as `cancelJob` does. What it has made already is kept.",
        CancelBatchPayload,
    )
    async def cancel_batch(self, info: Info, input: CancelBatchInput) -> CancelBatchPayload:
        batch_id = input_id(input.batch_id, IdKind.BATCH, "batchId")
        canceled = await info.context.database.write(cancel_batch, info.context.principal, batch_id)
        info.context.parts.hint(Step.COMPENSATE, canceled)
        return CancelBatchPayload(batch=await find_batch(info, batch_id))
