"""Prompt experiments, as support sees them."""

from __future__ import annotations

import strawberry

from db.records.experiments import VariantResult
from jobs.catalogue.experiments import Experiment
from schema.scalars import BigInt
from schema.types.enums import GenerationKind


@strawberry.type(description="One wording of a prompt, and how it did.")
class PromptVariant:
    name: str
    weight: int = strawberry.field(description="How often it is chosen, beside the other weights; 0: not any more.")
    jobs: int = strawberry.field(description="Jobs that were asked for with it.")
    attempts: int = strawberry.field(description="Submissions made with it.")
    ended: int = strawberry.field(description="Submissions that the model has finished, one way or the other.")
    succeeded: int
    rejected: int = strawberry.field(description="Submissions that the content check declined.")
    success_rate: float | None = strawberry.field(description="0 to 1, of those that ended; null while none has.")
    rejection_rate: float | None = strawberry.field(description="0 to 1, of those that ended; null while none has.")
    cost_micros: BigInt = strawberry.field(description="What the provider was paid for all of them, in micro-dollars.")
    median_seconds: float | None = strawberry.field(description="From acceptance to success; null while none has.")

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


@strawberry.type(description="Wordings of one prompt that are tried side by side; a session keeps the same one.")
class PromptExperiment:
    key: str
    description: str | None
    kind: GenerationKind | None = strawberry.field(description="What is made with it; null once it is over.")
    model_family: str | None
    is_running: bool
    variants: list[PromptVariant]

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
