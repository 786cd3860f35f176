"""The mutation that creates many scenes at once."""

from __future__ import annotations

from typing import cast

import strawberry

from jobs.errors import Invalid
from jobs.requesting.batches import create_batch
from jobs.requesting.requests import BatchRequest, BatchScene, RequestOptions
from schema.context import Info
from schema.fields import mutation
from schema.mutations.arguments import input_source
from schema.mutations.request_options import SceneInput
from schema.scalars import JSON
from schema.types.enums import OnFailure
from schema.types.errors import UserError
from schema.types.job import Job
from statemachine.vocabulary import Step


@strawberry.input(description="One scene of a batch.")
class BatchSceneInput(SceneInput):
    avatar_id: strawberry.ID = strawberry.field(description="An avatar, or the job that makes it.")
    metadata: JSON | None = strawberry.field(
        default=None, description="A JSON object of at most 4096 bytes, returned with the job."
    )

    def scene(self) -> BatchScene:
        """Return the scene as the use case takes it; raise Invalid for a wrong id or wrong metadata."""
        if self.metadata is not None and not isinstance(self.metadata, dict):
            raise Invalid("metadata must be an object.", "input", "scenes", "metadata")
        asset_id, job_id = input_source(self.avatar_id, "scenes")
        metadata = cast("dict[str, object] | None", self.metadata)
        return BatchScene(self.scene_options(), asset_id, job_id, metadata)


@strawberry.input
class CreateBatchInput:
    scenes: list[BatchSceneInput] = strawberry.field(description="1 to 200.")
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters. The same key with the same input returns what it made before."
    )
    on_failure: OnFailure = OnFailure.ROLL_BACK_PARENT
    priority: int = strawberry.field(
        default=0, description="-10 to 10; each step is a head start of a minute over the account's other jobs."
    )


@strawberry.type
class CreateBatchPayload:
    jobs: list[Job] = strawberry.field(default_factory=list, description="In the order of the scenes.")
    replayed: bool = strawberry.field(
        default=False, description="True if the key was used before; the payload is what it made then."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list)


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
