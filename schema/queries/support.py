"""Queries for support: compensating actions and the status of steps."""

from __future__ import annotations

from typing import Annotated

import strawberry

from db.engine.compensations import ActionFilter, CompensationAction, action_page
from db.engine.pausing import step_statuses
from db.engine.provider_limiter import limits_now
from schema import arguments
from schema.context import Info
from schema.cursors import action_cursor, read_action_cursor
from schema.errors import FORBIDDEN, ApiError
from schema.fields import field, paged_field
from schema.paging import Connection, PageRequest
from schema.types.compensation import Compensation, CompensationFilter
from schema.types.step import StepStatus


def check_support(info: Info) -> None:
    """Raise ApiError unless the caller is support staff."""
    if not info.context.principal.is_support:
        raise ApiError(FORBIDDEN, "Only support can use this.")


def _cursor(action: CompensationAction) -> str:
    return action_cursor(action.job_id, action.cycle, action.action)


@strawberry.type
class SupportQueries:
    @paged_field(
        "For support: the compensating actions of jobs, newest jobs first. Give `first` or `last`, from 1 to 100."
    )
    async def compensations(
        self,
        info: Info,
        page: PageRequest,
        filter: Annotated[CompensationFilter | None, arguments.FILTER] = None,
    ) -> Connection[Compensation]:
        check_support(info)
        wanted = filter.wanted() if filter else ActionFilter()
        found = await info.context.database.read(action_page, wanted, page.window(read_action_cursor))
        return Connection.of(found, Compensation.of, _cursor)

    @field("For support: the status of each step of the pipeline.")
    async def steps(self, info: Info) -> list[StepStatus]:
        check_support(info)
        limits = await info.context.database.read(limits_now)
        return [StepStatus.of(each, limits) for each in await info.context.database.read(step_statuses)]
