"""Mutations for retrying ended jobs, pausing steps and reviewing compensating actions."""

from __future__ import annotations

from enum import StrEnum

import strawberry

from jobs.support.once import RetryJobRequest, retry_job_once
from jobs.support.pausing import pause, resume
from jobs.support.reviewing import review_compensation
from schema.context import Info
from schema.enum_values import describe
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.mutations.payloads import KeyedPayload, Payload
from schema.mutations.reviving import hint_revived, job_ids
from schema.types.compensation import Compensation
from schema.types.enums import CompensationKind
from schema.types.job import Job
from schema.types.step import PipelineStep, StepPause
from statemachine.vocabulary import Step


@strawberry.input(description="The job to retry.")
class RetryJobInput:
    job_id: strawberry.ID = strawberry.field(
        description="A job that failed or was canceled, whose `error` is retryable."
    )
    idempotency_key: str = strawberry.field(
        description="1 to 255 characters. The same key with the same job retries it once."
    )


@strawberry.type(description="The jobs that start again.")
class RetryJobPayload(KeyedPayload):
    job: Job | None = strawberry.field(default=None, description="The job, which continues where it stopped.")
    revived: list[strawberry.ID] = strawberry.field(
        default_factory=list,
        description="Every job that starts again: this one, the jobs it needs and those that needed it; empty if "
        "`replayed`.",
    )


@strawberry.input(description="The step to pause.")
class PauseStepInput:
    step: PipelineStep = strawberry.field(description="The step that workers stop starting.")
    reason: str | None = strawberry.field(default=None, description="Shown in `StepStatus.pause`; null without one.")


@strawberry.type(description="The pause that begins.")
class PauseStepPayload(Payload):
    pause: StepPause | None = strawberry.field(
        default=None, description="The pause; pausing again replaces its author and its reason."
    )


@strawberry.input(description="The step to resume.")
class ResumeStepInput:
    step: PipelineStep = strawberry.field(description="The step that workers start again.")


@strawberry.type(description="The end of a pause.")
class ResumeStepPayload(Payload):
    was_paused: bool = strawberry.field(
        default=False, description="False if the step was not paused, so that nothing changed."
    )


class ReviewDecision(StrEnum):
    """The decisions that support can make about a compensating action."""

    RETRY = "retry"
    WAIVE = "waive"


describe(
    ReviewDecision,
    "The decision about a compensating action that failed.",
    {
        ReviewDecision.RETRY: "Have it tried again.",
        ReviewDecision.WAIVE: "Leave it undone, for the reason in `note`.",
    },
)


@strawberry.input(description="The compensating action, and what support decides about it.")
class ReviewCompensationInput:
    job_id: strawberry.ID = strawberry.field(description="The job whose action it is.")
    action: CompensationKind = strawberry.field(description="The action; it must be in the state `NEEDS_REVIEW`.")
    decision: ReviewDecision = strawberry.field(description="What is to be done about it.")
    note: str | None = strawberry.field(default=None, description="The reason; kept with the action.")


@strawberry.type(description="The reviewed action.")
class ReviewCompensationPayload(Payload):
    compensation: Compensation | None = strawberry.field(default=None, description="The action after the review.")


@strawberry.type
class SupportMutations:
    @mutation(
        "Retry a failed or canceled job from the first step whose result is missing. Its credits are held again.",
        RetryJobPayload,
    )
    async def retry_job(self, info: Info, input: RetryJobInput) -> RetryJobPayload:
        request = RetryJobRequest(input.idempotency_key, input_id(input.job_id, IdKind.JOB, "jobId"))
        context = info.context
        retried = await context.database.write(retry_job_once, context.principal, request, context.catalogue)
        hint_revived(context, retried.revived)
        return RetryJobPayload(job=Job.of(retried.job), revived=job_ids(retried.revived), replayed=retried.replayed)

    @mutation("For support: stop workers from starting jobs of a step.", PauseStepPayload)
    async def pause_step(self, info: Info, input: PauseStepInput) -> PauseStepPayload:
        record = await info.context.database.write(pause, info.context.principal, input.step, reason=input.reason)
        return PauseStepPayload(pause=StepPause.of(record))

    @mutation("For support: let workers start jobs of a step again.", ResumeStepPayload)
    async def resume_step(self, info: Info, input: ResumeStepInput) -> ResumeStepPayload:
        was_paused = await info.context.database.write(resume, info.context.principal, input.step)
        info.context.parts.hint(input.step, ())
        return ResumeStepPayload(was_paused=was_paused)

    @mutation("For support: waive a compensating action that failed, or retry it.", ReviewCompensationPayload)
    async def review_compensation(self, info: Info, input: ReviewCompensationInput) -> ReviewCompensationPayload:
        job_id = input_id(input.job_id, IdKind.JOB, "jobId")
        reviewed = await info.context.database.write(
            review_compensation,
            info.context.principal,
            job_id,
            input.action.value,
            waive=input.decision is ReviewDecision.WAIVE,
            note=input.note,
        )
        info.context.parts.hint(Step.COMPENSATE, [job_id])
        return ReviewCompensationPayload(compensation=Compensation.of(reviewed))
