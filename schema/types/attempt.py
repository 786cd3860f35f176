"""Paid submissions to the provider."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db.records.attempts import Attempt
from db.records.jobs import Job
from jobs.prompts import PromptBook
from schema.context import Info
from schema.disclosure import of_people
from schema.fields import field
from schema.scalars import BigInt
from schema.types.enums import AttemptStatus


@strawberry.type(description="One submission to the provider, which may have cost money.")
class ProviderAttempt:
    job: strawberry.Private[Job]
    attempt: int = strawberry.field(description="The number of the submission: 1 for the first of the job.")
    model: str = strawberry.field(description="The provider's name of the model.")
    prompt_version: str = strawberry.field(description="The template, with a digest of its text and the theme's.")
    experiment: str | None = strawberry.field(description="The key of its prompt experiment; null without one.")
    variant: str | None = strawberry.field(description="Its variant in the experiment; null without one.")
    status: AttemptStatus = strawberry.field(description="What became of it so far.")
    prediction_id: str | None = strawberry.field(
        description="The provider's own id; null until the provider has accepted it."
    )
    reserved_micros: BigInt = strawberry.field(description="The price reserved before the call, in micro-dollars.")
    cost_micros: BigInt = strawberry.field(description="The price charged, in micro-dollars; 0 until it is known.")
    started_at: datetime = strawberry.field(description="When the intent to call the provider was recorded.")
    accepted_at: datetime | None = strawberry.field(
        description="When the provider accepted it; null if it did not, or not yet."
    )
    completed_at: datetime | None = strawberry.field(description="When its outcome was known; null until then.")
    detail: str | None = strawberry.field(description="The provider's own words about a failure; for support only.")

    @classmethod
    def of(cls, record: Attempt, job: Job, *, support: bool) -> ProviderAttempt:
        """Return the attempt of a record and its job."""
        return cls(
            job=job,
            attempt=record.attempt,
            model=record.model,
            prompt_version=record.prompt_version,
            experiment=record.experiment,
            variant=record.variant,
            status=AttemptStatus(record.status),
            prediction_id=record.prediction_id,
            reserved_micros=BigInt(record.reserved_micros),
            cost_micros=BigInt(record.cost_micros),
            started_at=record.started_at,
            accepted_at=record.accepted_at,
            completed_at=record.completed_at,
            detail=record.error_detail if support else None,
        )

    @field(
        "For support, except viewers: the prompt that was sent. It is not stored but made again, so it is null once "
        "the template or the theme of `promptVersion` has changed, and once the user's words were deleted."
    )
    def prompt(self, info: Info) -> str | None:
        if not info.context.principal.is_support or self.job.erased_at is not None:
            return None
        prompt = PromptBook(themes=info.context.catalogue.themes).prompt_sent(self.job, self.prompt_version)
        return of_people(info.context.principal, prompt)
