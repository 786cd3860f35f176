"""Mutations that create a single avatar, scene or animation, and cancel a job."""

from __future__ import annotations

import strawberry

from jobs.requesting.cancellation import cancel_job
from jobs.requesting.creation import create_animation, create_avatar, create_scene
from jobs.requesting.requests import AnimationRequest, AvatarRequest, SceneRequest
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id, input_source
from schema.mutations.payloads import KeyedPayload, Payload
from schema.mutations.request_options import AnimationOptions, RequestInput, SceneInput, accepted
from schema.queries.root import find_job
from schema.types.job import Job
from statemachine.vocabulary import Step


@strawberry.input(description="The selfie to make an avatar of.")
class CreateAvatarInput(RequestInput):
    selfie_id: strawberry.ID = strawberry.field(description="The selfie, an asset that is `READY`.")


@strawberry.type(description="The job that makes the avatar.")
class CreateAvatarPayload(KeyedPayload):
    job: Job | None = strawberry.field(default=None, description="The job as it is when the server responds.")


@strawberry.input(description="The avatar and the theme to make a scene of.")
class CreateSceneInput(SceneInput, RequestInput):
    avatar_id: strawberry.ID = strawberry.field(
        description="The id of an avatar, or of the job that makes it and need not have ended."
    )


@strawberry.type(description="The job that makes the scene.")
class CreateScenePayload(KeyedPayload):
    job: Job | None = strawberry.field(default=None, description="The job as it is when the server responds.")


@strawberry.input(description="The scene to animate.")
class CreateAnimationInput(RequestInput):
    scene_id: strawberry.ID = strawberry.field(
        description="The id of a scene, or of the job that makes it and need not have ended."
    )
    options: AnimationOptions = strawberry.field(
        default_factory=AnimationOptions, description="The motion; by default a walk forward of 6 seconds."
    )


@strawberry.type(description="The job that makes the animation.")
class CreateAnimationPayload(KeyedPayload):
    job: Job | None = strawberry.field(default=None, description="The job as it is when the server responds.")


@strawberry.input(description="The job to cancel.")
class CancelJobInput:
    job_id: strawberry.ID = strawberry.field(
        description="The job to cancel; one that has ended or is ending is refused with `ALREADY_FINISHED`."
    )


@strawberry.type(description="The canceled job.")
class CancelJobPayload(Payload):
    job: Job | None = strawberry.field(
        default=None,
        description="The job; it may still have to wait for a submission under way: see `cancelRequestedAt`.",
    )


@strawberry.type
class JobMutations:
    @mutation("Create an avatar from a selfie.", CreateAvatarPayload)
    async def create_avatar(self, info: Info, input: CreateAvatarInput) -> CreateAvatarPayload:
        context = info.context
        selfie_id = input_id(input.selfie_id, IdKind.ASSET, "selfieId")
        request = AvatarRequest(input.request_options(), selfie_id)
        made = await context.database.write(create_avatar, context.principal, request, catalogue=context.catalogue)
        await accepted(context, made, IdKind.JOB, input.wait_seconds)
        return CreateAvatarPayload(job=await find_job(info, made.resource_id), replayed=made.replayed)

    @mutation("Create a scene with an avatar.", CreateScenePayload)
    async def create_scene(self, info: Info, input: CreateSceneInput) -> CreateScenePayload:
        context = info.context
        asset_id, job_id = input_source(input.avatar_id, "avatarId")
        request = SceneRequest(
            input.request_options(),
            input.scene_options(),
            avatar_asset_id=asset_id,
            avatar_job_id=job_id,
        )
        made = await context.database.write(create_scene, context.principal, request, catalogue=context.catalogue)
        await accepted(context, made, IdKind.JOB, input.wait_seconds)
        return CreateScenePayload(job=await find_job(info, made.resource_id), replayed=made.replayed)

    @mutation("Create a video of a scene.", CreateAnimationPayload)
    async def create_animation(self, info: Info, input: CreateAnimationInput) -> CreateAnimationPayload:
        context = info.context
        asset_id, job_id = input_source(input.scene_id, "sceneId")
        request = AnimationRequest(
            input.request_options(), scene_asset_id=asset_id, scene_job_id=job_id, animation=input.options.options()
        )
        made = await context.database.write(create_animation, context.principal, request, catalogue=context.catalogue)
        await accepted(context, made, IdKind.JOB, input.wait_seconds)
        return CreateAnimationPayload(job=await find_job(info, made.resource_id), replayed=made.replayed)

    @mutation(
        "Cancel a job and every job that waits for it. Wins over any retry and is visible at once; a submission under "
        "way is awaited and then undone. Held credits are released.",
        CancelJobPayload,
    )
    async def cancel_job(self, info: Info, input: CancelJobInput) -> CancelJobPayload:
        job_id = input_id(input.job_id, IdKind.JOB, "jobId")
        canceled = await info.context.database.write(cancel_job, info.context.principal, job_id)
        info.context.parts.hint(Step.COMPENSATE, {job_id, *canceled.descendants})
        return CancelJobPayload(job=Job.of(canceled.job))
