"""The activity of an account, pulled."""

from __future__ import annotations

from typing import Annotated

import strawberry

from db.paging import PAGE_MAX
from db.records.activity import Stretch
from schema import arguments
from schema.context import Info
from schema.cursors import activity_cursor
from schema.errors import BAD_USER_INPUT, ApiError
from schema.fields import field
from schema.live.activity import Subject, read_on
from schema.paging import Connection, Edge, PageInfo
from schema.types.activity import ActivityEntry, ActivityFilter

_AFTER = strawberry.argument(
    description="The cursor of the last entry read, or `pageInfo.endCursor`; null to begin with the oldest entry kept."
)
_FIRST = strawberry.argument(description=f"The size of the page, 1 to {PAGE_MAX}.")


@strawberry.type
class ActivityQueries:
    @field(
        "Everything that happens in the account, in commit order and without gaps; a session sees what its user's "
        "sessions requested. A page may have fewer entries than `first`, or none, while `hasNextPage` is true: with a "
        "filter it ends after 5,000 entries that were read. Continue with `pageInfo.endCursor`, which is set even then."
    )
    async def activity(
        self,
        info: Info,
        first: Annotated[int, _FIRST],
        after: Annotated[str | None, _AFTER] = None,
        filter: Annotated[ActivityFilter | None, arguments.FILTER] = None,
    ) -> Connection[ActivityEntry]:
        if not 1 <= first <= PAGE_MAX:
            raise ApiError(BAD_USER_INPUT, f"Give `first`, from 1 to {PAGE_MAX}.")
        subject = Subject.of(info.context.principal, filter)
        found = await read_on(info.context.parts, subject, subject.position(after), first)
        return _connection(subject, found, after)


def _connection(subject: Subject, found: Stretch, after: str | None) -> Connection[ActivityEntry]:
    edges = [
        Edge(
            node=ActivityEntry(record=entry, account_id=subject.account_id),
            cursor=activity_cursor(subject.account_id, entry.position),
        )
        for entry in found.entries
    ]
    page_info = PageInfo(
        has_next_page=found.has_more,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=activity_cursor(subject.account_id, found.upto),
    )
    return Connection(edges=edges, page_info=page_info)
