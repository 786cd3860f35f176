"""Statements of credits as CSV, by time or by user."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import datetime

import strawberry
from starlette.requests import Request
from starlette.responses import Response

from db.records.credit_statements import Stretch, Totals, totals_by_time, totals_by_user
from jobs.identity import Principal
from schema.context import Parts
from schema.errors import BAD_USER_INPUT, ApiError
from schema.queries.credit_statements import asked_stretch, asked_stretch_by_user
from schema.scalars import read_time, write_time
from schema.transport.bearer import bearer
from schema.transport.callers import caller_of
from schema.transport.csv_lines import Rows, csv_response
from schema.transport.download_endpoint import DownloadEndpoint, unknown_caller
from schema.types.credit_statement import amounts, intervals_of
from statemachine.vocabulary import StatementInterval

_COLUMNS = tuple(amounts(Totals()))
_USERS_AT_ONCE = 500


def statement_endpoint(parts: Parts) -> DownloadEndpoint:
    """Return what serves the statements to a caller with a key or a token."""

    async def opened(request: Request, _: AsyncExitStack) -> Response:
        caller = await caller_of(parts, bearer(request.headers.get("authorization")))
        if caller is None:
            raise unknown_caller()
        return csv_response(_rows(parts, caller, request))

    return DownloadEndpoint(opened)


def _rows(parts: Parts, reader: Principal, request: Request) -> Rows:
    """Return the rows of the statement that the address names; raise ApiError or MalformedId for a wrong address."""
    given = request.query_params
    start, end, by = _time(given.get("from"), "from"), _time(given.get("to"), "to"), given.get("by", "day")
    account = None if (named := given.get("account")) is None else strawberry.ID(named)
    if by == "user":
        return _by_user(parts, asked_stretch_by_user(reader, start, end, account))
    if by not in set(StatementInterval):
        raise ApiError(BAD_USER_INPUT, f"by must be {', '.join(StatementInterval)} or user.")
    stretch = asked_stretch(reader, start, end, account, given.get("userRef"))
    return _by_time(parts, stretch, StatementInterval(by), intervals_of(stretch, StatementInterval(by)))


def _time(text: str | None, name: str) -> datetime:
    if text is None:
        raise ApiError(BAD_USER_INPUT, f"The address needs `{name}`.")
    return read_time(text)


async def _by_time(parts: Parts, stretch: Stretch, by: StatementInterval, starts: Iterable[datetime]) -> Rows:
    found = await parts.database.read(totals_by_time, stretch, by)
    yield ("starts_at", *_COLUMNS)
    for each in starts:
        yield (write_time(each), *amounts(found.get(each, Totals())).values())


async def _by_user(parts: Parts, stretch: Stretch) -> Rows:
    """Yield the wallets page by page: those that come meanwhile are in it if their users sort behind."""
    yield ("user_ref", "available_now", "held_now", *_COLUMNS)
    after = None
    while found := await parts.database.read(totals_by_user, stretch, after, _USERS_AT_ONCE):
        for each in found:
            yield (each.user_ref, each.balance.available, each.balance.held, *amounts(each.totals).values())
        after = found[-1].user_ref
