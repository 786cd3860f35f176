"""The query for statistics."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import Annotated

import strawberry

from db.records.statistics import ended_jobs
from schema import arguments
from schema.context import Info
from schema.fields import field
from schema.ids import IdKind, decode_id
from schema.queries.support import check_support
from schema.types.enums import Interval
from schema.types.filters import each_of
from schema.types.statistics import ROWS_MAX, StatisticsFilter, StatisticsRow, intervals

_BY = strawberry.argument(description="The length of an interval.")
_FROM = strawberry.argument(name="from", description="A time in the first interval.")
_TO = strawberry.argument(description=f"The end, exclusive; at most {ROWS_MAX} intervals after the first one begins.")


@strawberry.type
class StatisticsQueries:
    @field(
        "For support: the jobs that ended, by hour or by day in UTC, oldest first, up to about half a minute ago. "
        "Hours are kept for 100 days, days forever.",
        rows=ROWS_MAX,
    )
    async def statistics(
        self,
        info: Info,
        by: Annotated[Interval, _BY],
        from_: Annotated[datetime, _FROM],
        to: Annotated[datetime, _TO],
        filter: Annotated[StatisticsFilter | None, arguments.FILTER] = None,
    ) -> list[StatisticsRow]:
        check_support(info)
        wanted = filter or StatisticsFilter()
        account_id = None if wanted.account is None else decode_id(wanted.account, IdKind.ACCOUNT)
        kinds = each_of("kinds", wanted.kinds, str)
        starts = intervals(by, from_.astimezone(UTC), to.astimezone(UTC))
        ended = await info.context.database.read(ended_jobs, account_id, kinds, by, starts[0], to)
        found = {start: list(of_it) for start, of_it in groupby(ended, lambda each: each.starts_at)}
        return [StatisticsRow.of(start, found.get(start, ())) for start in starts]
