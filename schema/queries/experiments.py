"""Queries for prompt experiments and their results."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from db.records.experiments import VariantResult, variant_results
from jobs.catalogue.experiments import experiments
from schema.context import Info
from schema.fields import field
from schema.queries.support import check_support
from schema.types.experiment import PromptExperiment

_SINCE = strawberry.argument(description="Count submissions from this time on; null for all of them.")


@strawberry.type
class ExperimentQueries:
    @field(
        "For support: prompt experiments, running ones first, with submissions counted `since` a time, or all of them."
    )
    async def prompt_experiments(
        self, info: Info, since: Annotated[datetime | None, _SINCE] = None
    ) -> list[PromptExperiment]:
        check_support(info)
        return _experiments_of(await info.context.database.read(variant_results, since))


def _experiments_of(results: list[VariantResult]) -> list[PromptExperiment]:
    by_key: dict[str, list[VariantResult]] = {}
    for result in results:
        by_key.setdefault(result.experiment, []).append(result)
    running = [PromptExperiment.running(each, by_key.pop(each.key, [])) for each in experiments()]
    return [*running, *(PromptExperiment.over(key, found) for key, found in by_key.items())]
