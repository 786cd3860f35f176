"""Queries for statements of credits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from db.paging import PAGE_MAX
from db.records.credit_statements import Stretch, Totals, UserTotals, totals_by_time, totals_by_user
from jobs.identity import Principal
from schema import arguments
from schema.context import Info
from schema.cursors import read_user_cursor, user_cursor
from schema.errors import BAD_USER_INPUT, FORBIDDEN, ApiError
from schema.fields import field
from schema.narrowing import narrowed
from schema.paging import Connection, Edge, PageInfo
from schema.types.credit_statement import (
    ROWS_MAX,
    Asked,
    CreditStatement,
    CreditStatementRow,
    CreditTotals,
    UserCredits,
    intervals_of,
    stretch_of,
)
from statemachine.vocabulary import StatementInterval

_FROM = strawberry.argument(name="from", description="The beginning: of an interval, in UTC.")
_TO = strawberry.argument(description=f"The end, exclusive: the beginning of an interval, at most {ROWS_MAX} later.")
_BY = strawberry.argument(name="interval", description="The length of the intervals.")
_FROM_HOUR = strawberry.argument(name="from", description="The beginning: a whole hour.")
_TO_HOUR = strawberry.argument(description="The end, exclusive: a whole hour.")
_FIRST = strawberry.argument(description=f"The size of the page, 1 to {PAGE_MAX}.")
_AFTER = strawberry.argument(description="The cursor that the page begins after; null for the first page.")


@strawberry.input(description="All given conditions must hold.")
class CreditStatementFilter:
    account: strawberry.ID | None = strawberry.field(
        default=None, description="The account; for support, who must give it."
    )
    user_ref: str | None = strawberry.field(
        default=None, description="The credits of this end user; null for all of the account, its own included."
    )


@strawberry.input(description="All given conditions must hold.")
class UserCreditsFilter:
    account: strawberry.ID | None = strawberry.field(
        default=None, description="The account; for support, who must give it."
    )


@strawberry.type
class CreditStatementQueries:
    @field(
        "The ledger of your account and its users added up by hour, day or month of UTC, exactly as `creditEntries` "
        "has it now; a session sees its user's.",
        rows=ROWS_MAX,
    )
    async def credit_statement(
        self,
        info: Info,
        from_: Annotated[datetime, _FROM],
        to: Annotated[datetime, _TO],
        by: Annotated[StatementInterval, _BY] = StatementInterval.DAY,
        filter: Annotated[CreditStatementFilter | None, arguments.FILTER] = None,
    ) -> CreditStatement:
        wanted = filter or CreditStatementFilter()
        stretch = asked_stretch(info.context.principal, from_, to, wanted.account, wanted.user_ref)
        starts = intervals_of(stretch, by)
        found = await info.context.database.read(totals_by_time, stretch, by)
        rows = [
            CreditStatementRow(starts_at=each, totals=CreditTotals.of(found.get(each, Totals()))) for each in starts
        ]
        return CreditStatement(
            rows=rows,
            totals=CreditTotals.of(Totals.added(found.values())),
            csv_url=Asked(stretch, by).csv_url(info.context.base_url, names_account=info.context.principal.is_support),
        )

    @field(
        "The wallets of your account and its users, with their balances and what their ledger entries of a time add up "
        "to: in the order of the users, the account's own first. Requires an API key."
    )
    async def credit_statement_by_user(
        self,
        info: Info,
        from_: Annotated[datetime, _FROM_HOUR],
        to: Annotated[datetime, _TO_HOUR],
        first: Annotated[int, _FIRST],
        after: Annotated[str | None, _AFTER] = None,
        filter: Annotated[UserCreditsFilter | None, arguments.FILTER] = None,
    ) -> Connection[UserCredits]:
        if not 1 <= first <= PAGE_MAX:
            raise ApiError(BAD_USER_INPUT, f"Give `first`, from 1 to {PAGE_MAX}.")
        stretch = asked_stretch_by_user(info.context.principal, from_, to, filter.account if filter else None)
        begins = None if after is None else read_user_cursor(after)
        found = await info.context.database.read(totals_by_user, stretch, begins, first + 1)
        return _connection(found[:first], has_more=len(found) > first, after=after)


def _connection(found: list[UserTotals], *, has_more: bool, after: str | None) -> Connection[UserCredits]:
    edges = [Edge(node=UserCredits.of(each), cursor=user_cursor(each.user_ref)) for each in found]
    page_info = PageInfo(
        has_next_page=has_more,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=page_info)


def asked_stretch(
    reader: Principal, start: datetime, end: datetime, account: strawberry.ID | None, user_ref: str | None
) -> Stretch:
    """Return what a statement is about; raise ApiError for what the reader may not see, or for wrong times."""
    scope = narrowed(reader, CreditStatementFilter(account=account, user_ref=user_ref))
    if scope.account_id is None:
        raise ApiError(BAD_USER_INPUT, "filter.account is required: a statement covers one account.")
    if scope.user_ref is not None and user_ref not in (None, scope.user_ref):
        raise ApiError(FORBIDDEN, "filter.userRef needs an API key; a session token sees its own user.")
    return stretch_of(start, end, scope.account_id, scope.user_ref or user_ref)


def asked_stretch_by_user(reader: Principal, start: datetime, end: datetime, account: strawberry.ID | None) -> Stretch:
    """Return what a statement by user is about; raise ApiError as `asked_stretch` does, and for a session."""
    if reader.session is not None:
        raise ApiError(FORBIDDEN, "A statement by user needs an API key; this is a session token.")
    return asked_stretch(reader, start, end, account, None)
