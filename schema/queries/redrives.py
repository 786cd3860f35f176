"""Queries for redrives."""

from __future__ import annotations

from typing import Annotated

import strawberry

from db.records.redrives import redrive_page
from jobs.support.redrives import COUNTED_MAX, count_redrivable
from schema import arguments
from schema.context import Info
from schema.cursors import id_cursor, read_id_cursor
from schema.fields import field, paged_field
from schema.ids import IdKind, decode_id
from schema.narrowing import narrowed
from schema.paging import Connection, PageRequest
from schema.queries.support import check_support
from schema.types.filters import JobFilter
from schema.types.redrive import Redrive, find_redrive

_FILTER = strawberry.argument(description="Selects jobs as `redriveJobs` does.")


@strawberry.type
class RedriveQueries:
    @field(
        f"For support: how many jobs `redriveJobs` would try again, counted up to {COUNTED_MAX:,}. Some of them may be "
        "skipped.",
    )
    async def redrivable_jobs(self, info: Info, filter: Annotated[JobFilter, _FILTER]) -> int:
        caller = info.context.principal
        check_support(info)
        scope = narrowed(caller, filter)
        return await info.context.database.read(count_redrivable, caller, filter.wanted(), scope)

    @field("For support: the redrive with this id; null if it does not exist.")
    async def redrive(self, info: Info, id: Annotated[strawberry.ID, arguments.ID]) -> Redrive | None:
        check_support(info)
        return await find_redrive(info, decode_id(id, IdKind.REDRIVE))

    @paged_field("For support: the redrives, newest first. Give `first` or `last`, from 1 to 100.")
    async def redrives(self, info: Info, page: PageRequest) -> Connection[Redrive]:
        check_support(info)
        found = await info.context.database.read(redrive_page, page.window(read_id_cursor))
        return Connection.of(found, Redrive.of, lambda redrive: id_cursor(redrive.id))
