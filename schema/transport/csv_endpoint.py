"""CSV over HTTP: a GET with a key or a token, sent as it is read, so that its size costs no memory."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from jobs.identity import Principal
from schema.context import Parts
from schema.errors import FORBIDDEN, ApiError, unauthenticated
from schema.ids import MalformedId
from schema.transport.bearer import bearer
from schema.transport.callers import caller_of
from schema.transport.http import failed, new_request_id, unforeseen
from schema.transport.http_request import PLAIN_JSON, Refusal, refuse

Rows = AsyncIterator[Iterable[object]]

RowsOf = Callable[[Parts, Principal, Request], Awaitable[Rows]]
"""Returns the rows of a request, the names of the columns first; raises ApiError or MalformedId before any is read."""

# A spreadsheet takes a cell that begins like this for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_ALWAYS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class CsvEndpoint:
    """Serves one table."""

    def __init__(self, parts: Parts, rows_of: RowsOf) -> None:
        self._parts = parts
        self._rows_of = rows_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request as an ASGI application, of any method."""
        request = Request(scope, receive)
        request_id = new_request_id(request.headers.get("x-request-id"))
        response = await self._guarded(request, request_id)
        response.headers["X-Request-Id"] = request_id
        response.headers.update(_ALWAYS)
        await response(scope, receive, send)

    async def _guarded(self, request: Request, request_id: str) -> Response:
        try:
            return await self._respond(request)
        except Refusal as refusal:
            response = failed([refusal.error], request_id, refusal.status, PLAIN_JSON)
            response.headers.update(refusal.headers)
            return response
        except (ApiError, MalformedId) as error:
            shown = error if isinstance(error, ApiError) else ApiError("BAD_USER_INPUT", str(error))
            is_forbidden = (shown.extensions or {})["code"] == FORBIDDEN
            return failed([shown], request_id, 403 if is_forbidden else 400, PLAIN_JSON)
        except Exception as error:  # noqa: BLE001 - the last resort: masked for the caller, logged
            return unforeseen(error, request_id, PLAIN_JSON)

    async def _respond(self, request: Request) -> Response:
        if request.method != "GET":
            raise refuse(405, "A table can only be read, with GET.", {"Allow": "GET"})
        caller = await caller_of(self._parts.database, bearer(request.headers.get("authorization")))
        if caller is None:
            raise Refusal(401, unauthenticated(), {"WWW-Authenticate": "Bearer"})
        rows = await self._rows_of(self._parts, caller, request)
        return StreamingResponse(lines(rows), media_type="text/csv; charset=utf-8")


async def lines(rows: Rows) -> AsyncIterator[str]:
    """Yield the lines of a table as RFC 4180 has them."""
    async for row in rows:
        yield line(row)


def line(row: Iterable[object]) -> str:
    """Return one line; None is an empty cell."""
    written = io.StringIO()
    csv.writer(written).writerow([_cell(each) for each in row])
    return written.getvalue()


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
