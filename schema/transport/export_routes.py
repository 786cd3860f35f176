"""The addresses of exports: the ticket in one opens that export, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from db.records.job_filters import filter_of_json
from db.records.ledger import WalletKey
from db.records.suspensions import user_is_known
from db.scope import Scope
from jobs.identity import Principal
from jobs.stream_tickets import ticket_holder
from schema.context import Parts
from schema.errors import NOT_FOUND, ApiError
from schema.exports.addresses import JOBS_PATH, USER_PATH, split, subject_of
from schema.exports.job_table import job_rows
from schema.exports.user_archive import user_archive
from schema.ids import IdKind, decode_id
from schema.transport.csv_lines import csv_response
from schema.transport.download_endpoint import DownloadEndpoint, unknown_caller

Download = Callable[[Parts, Principal, Request], Response]


def export_routes(parts: Parts) -> list[Route]:
    """Return the routes of all exports."""

    def route(path: str, download: Download, checked: bool = False) -> Route:
        async def opened(request: Request, kept: AsyncExitStack) -> Response:
            reader = await _reader(parts, request)
            if checked and not await parts.database.read(user_is_known, _who(reader, request)):
                raise ApiError(NOT_FOUND, "The user does not exist.")
            await kept.enter_async_context(parts.exports.place(reader.account_id))
            return download(parts, reader, request)

        return Route(path, DownloadEndpoint(opened))

    return [route(JOBS_PATH, _jobs), route(USER_PATH, _user, checked=True)]


async def _reader(parts: Parts, request: Request) -> Principal:
    """Return for whom the ticket was made; raise Refusal unless it opens exactly this address, now."""
    address, ticket = split(request.url.path, request.url.query)
    reader = await parts.database.read(ticket_holder, ticket, subject_of(address))
    if reader is None:
        raise unknown_caller()
    return reader


def _jobs(parts: Parts, reader: Principal, request: Request) -> Response:
    wanted = filter_of_json(orjson.loads(request.query_params["filter"]))
    rows = job_rows(parts, reader, _scope(reader, request), wanted)
    return csv_response(rows, _saved_as("jobs.csv"))


def _user(parts: Parts, reader: Principal, request: Request) -> Response:
    pieces = user_archive(parts, _who(reader, request))
    return StreamingResponse(pieces, media_type="application/zip", headers=_saved_as("user.zip"))


def _who(reader: Principal, request: Request) -> WalletKey:
    account_id = _scope(reader, request).account_id or reader.account_id
    return WalletKey(account_id, request.query_params["userRef"])


def _scope(reader: Principal, request: Request) -> Scope:
    """Return what the reader sees, or, for support, what the named account does."""
    account = request.query_params.get("account")
    return Scope(decode_id(account, IdKind.ACCOUNT)) if account and reader.is_support else reader.scope


def _saved_as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
