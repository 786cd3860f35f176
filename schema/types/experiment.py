"""Prompt experiments, as support sees them."""

from __future__ import annotations

import strawberry

from db.records.experiments import VariantResult
from jobs.catalogue.experiments import Experiment
from schema.scalars import BigInt
from schema.types.enums import GenerationKind


@strawberry.type(description="One wording of a prompt, and its results.")
class PromptVariant:
    name: str = strawberry.field(description="The name of the variant in its experiment.")
    weight: int = strawberry.field(
        description="Its share of jobs, relative to the other weights; 0 if it is no longer used."
    )
    jobs: int = strawberry.field(description="Jobs that were requested with it.")
    attempts: int = strawberry.field(description="Submissions made with it.")
    ended: int = strawberry.field(description="Submissions that have ended, successfully or not.")
    succeeded: int = strawberry.field(description="Submissions that ended with an output.")
    rejected: int = strawberry.field(description="Submissions that the content check declined.")
    success_rate: float | None = strawberry.field(description="0 to 1, of those that ended; null before the first.")
    rejection_rate: float | None = strawberry.field(description="0 to 1, of those that ended; null before the first.")
    cost_micros: BigInt = strawberry.field(description="The provider's total price for them, in micro-dollars.")
    median_seconds: float | None = strawberry.field(description="From acceptance to success; null before the first.")

    @classmethod
    def of(cls, name: str, weight: int, result: VariantResult | None) -> PromptVariant:
        """Return the variant with its result; one that was never submitted has none."""
        found = result or VariantResult("", name, 0, 0, 0, 0, 0, 0, None)
        return cls(
            name=name,
            weight=weight,
            jobs=found.jobs,
            attempts=found.attempts,
            ended=found.ended,
            succeeded=found.succeeded,
            rejected=found.declined,
            success_rate=found.success_rate,
            rejection_rate=found.rejection_rate,
            cost_micros=BigInt(found.cost_micros),
            median_seconds=found.median_s,
        )


@strawberry.type(description="An experiment with several wordings of a prompt; a session always gets the same one.")
class PromptExperiment:
    key: str = strawberry.field(description="The name of the experiment, unique for all time.")
    description: str | None = strawberry.field(description="What it tries; null once it is over.")
    kind: GenerationKind | None = strawberry.field(description="The kind of job it applies to; null once it is over.")
    model_family: str | None = strawberry.field(
        description="The family of models whose prompts it varies; null once it is over."
    )
    is_running: bool = strawberry.field(description="True if jobs still take part in it.")
    variants: list[PromptVariant] = strawberry.field(description="The wordings that are compared, those in use first.")

    @classmethod
    def running(cls, record: Experiment, results: list[VariantResult]) -> PromptExperiment:
        """Return an experiment that is going on; variants that were taken out of it follow those in it."""
        weights = {variant.name: variant.weight for variant in record.variants}
        return cls(
            key=record.key,
            description=record.description,
            kind=GenerationKind(record.kind),
            model_family=record.family,
            is_running=True,
            variants=_variants(weights, results),
        )

    @classmethod
    def over(cls, key: str, results: list[VariantResult]) -> PromptExperiment:
        """Return an experiment of which only results are left."""
        return cls(
            key=key, description=None, kind=None, model_family=None, is_running=False, variants=_variants({}, results)
        )


def _variants(weights: dict[str, int], results: list[VariantResult]) -> list[PromptVariant]:
    found = {result.variant: result for result in results}
    return [PromptVariant.of(name, weights.get(name, 0), found.get(name)) for name in {**weights, **found}]
