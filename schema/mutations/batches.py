"""The mutation that creates many scenes at once."""

from __future__ import annotations

import strawberry

from jobs.requesting.batches import create_batch
from jobs.requesting.requests import BatchRequest, BatchScene, RequestOptions
from schema.context import Info
from schema.fields import mutation
from schema.mutations.arguments import input_source
from schema.mutations.payloads import KeyedPayload
from schema.mutations.request_options import METADATA, KeyedInput, SceneInput, metadata_of
from schema.scalars import JSON
from schema.types.job import Job
from statemachine.vocabulary import Step


@strawberry.input(description="One scene of a batch.")
class BatchSceneInput(SceneInput):
    avatar_id: strawberry.ID = strawberry.field(
        description="The id of an avatar, or of the job that makes it and need not have ended."
    )
    metadata: JSON | None = strawberry.field(default=None, description=METADATA)

    def scene(self) -> BatchScene:
        """Return the scene as the use case takes it; raise Invalid for a wrong id or wrong metadata."""
        metadata = metadata_of(self.metadata, "input", "scenes", "metadata")
        asset_id, job_id = input_source(self.avatar_id, "scenes")
        return BatchScene(self.scene_options(), asset_id, job_id, metadata)


@strawberry.input(description="The scenes to create together.")
class CreateBatchInput(KeyedInput):
    scenes: list[BatchSceneInput] = strawberry.field(description="The scenes, 1 to 200.")


@strawberry.type(description="The jobs of the batch: all of them or none.")
class CreateBatchPayload(KeyedPayload):
    jobs: list[Job] = strawberry.field(
        default_factory=list, description="The jobs, in the order of the scenes; empty if none was created."
    )


@strawberry.type
class BatchMutations:
    @mutation("Create up to 200 scenes; either all are accepted or none.", CreateBatchPayload)
    async def create_batch(self, info: Info, input: CreateBatchInput) -> CreateBatchPayload:
        context = info.context
        options = RequestOptions(input.idempotency_key, input.on_failure, input.priority)
        request = BatchRequest(options, tuple(each.scene() for each in input.scenes))
        made = await context.database.write(create_batch, context.principal, request, catalogue=context.catalogue)
        context.parts.hint(Step.SUBMIT, ())
        jobs = await context.loaders.jobs.load_many([each.resource_id for each in made])
        replayed = all(each.replayed for each in made)
        return CreateBatchPayload(jobs=[Job.of(job) for job in jobs if job is not None], replayed=replayed)
