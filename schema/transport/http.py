"""GraphQL over HTTP, as its specification says it: content types, status codes, and errors a program can read.

A client that accepts `application/graphql-response+json` gets 400 for a request that could not be run; one that only
knows `application/json` gets 200, because it reads the body. An unknown caller gets 401 either way.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from strawberry.exceptions import MissingQueryError
from strawberry.http.ides import get_graphql_ide_html
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from jobs.identity import Principal
from schema.build import DioramaSchema
from schema.context import Context, Parts
from schema.errors import (
    LIMIT_EXCEEDED,
    UNAUTHENTICATED,
    UNRESOLVED,
    ApiError,
    log_unforeseen,
    presented,
    unauthenticated,
)
from schema.transport.bearer import bearer
from schema.transport.callers import caller_of
from schema.transport.credential_check import Credential
from schema.transport.event_stream import EVENT_STREAM, OpenStreams
from schema.transport.http_request import GRAPHQL_JSON, PLAIN_JSON, Asked, Refusal, negotiated, read_asked, refuse
from schema.transport.http_stream import operation_events

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_BY_GET = frozenset({OperationType.QUERY})
_BY_POST = frozenset({OperationType.QUERY, OperationType.MUTATION})


def new_request_id(given: str | None = None) -> str:
    """Return the caller's own request id where it is fit for a log line, else a fresh one."""
    return given if given and _REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(12)}"


class HttpEndpoint:
    """Serves the HTTP requests of `/graphql`."""

    def __init__(self, schema: DioramaSchema, parts: Parts, streams: OpenStreams) -> None:
        self._schema = schema
        self._parts = parts
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request as an ASGI application, of any method."""
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        request_id = new_request_id(request.headers.get("x-request-id"))
        try:
            response = await self._execute(request, request_id)
        except Refusal as refusal:
            response = failed([refusal.error], request_id, refusal.status, _own_content_type(request))
            response.headers.update(refusal.headers)
        except ClientDisconnect:
            # The client never reads this; the status is for the access log.
            response = Response(status_code=499)
        except Exception as error:  # noqa: BLE001 - the last resort: masked for the caller, logged
            response = unforeseen(error, request_id, _own_content_type(request))
        if (rate := getattr(request.state, "rate", None)) is not None:
            response.headers.update(rate.headers)
        response.headers["X-Request-Id"] = request_id
        response.headers["Cache-Control"] = "no-store"
        return response

    async def _execute(self, request: Request, request_id: str) -> Response:
        if request.method not in ("GET", "POST"):
            raise refuse(405, "GraphQL is served over GET and POST.", {"Allow": "GET, POST"})
        if self._wants_page(request):
            return HTMLResponse(get_graphql_ide_html(graphql_ide="graphiql"))
        content_type = negotiated(request)
        caller = await self._caller(request)
        if caller is not None:
            self._count(request, caller)
        asked = await read_asked(request, self._parts.settings.limits)
        context = Context(self._parts, caller, request_id, str(request.base_url))
        if content_type == EVENT_STREAM:
            return self._stream(request, asked, context)
        result = await self._run(asked, context, request.method)
        return _response_of(result, request_id, content_type)

    def _count(self, request: Request, caller: Principal) -> None:
        """Count the request for its caller; raise Refusal where there are too many."""
        rate = request.state.rate = self._parts.request_rates.take(caller)
        if rate.error is not None:
            raise Refusal(429, rate.error)

    def _stream(self, request: Request, asked: Asked, context: Context) -> Response:
        if request.method != "POST":
            raise refuse(405, "Event streams are served over POST.", {"Allow": "POST"})
        if self._streams.is_full:
            raise Refusal(503, ApiError(LIMIT_EXCEEDED, "Too many streams; try again later.", retryable=True))
        role = context.caller.role if context.caller else ""
        given = Credential(bearer(request.headers.get("authorization")) or "", role)
        return self._streams.response(operation_events(self._schema, asked, context), given)

    def _wants_page(self, request: Request) -> bool:
        is_browser = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        return is_browser and self._parts.settings.development and "query" not in request.query_params

    async def _caller(self, request: Request) -> Principal | None:
        secret = bearer(request.headers.get("authorization"))
        caller = await caller_of(self._parts, secret)
        # In development GraphiQL reads the schema before anyone has entered a key; the gate sees to the rest.
        if caller is None and (secret or not self._parts.settings.development):
            raise Refusal(401, unauthenticated(), {"WWW-Authenticate": "Bearer"})
        return caller

    async def _run(self, asked: Asked, context: Context, method: str) -> ExecutionResult:
        try:
            return await self._schema.execute(
                asked.query,
                variable_values=asked.variables,
                context_value=context,
                operation_name=asked.operation_name,
                allowed_operation_types=_BY_GET if method == "GET" else _BY_POST,
            )
        except InvalidOperationTypeError as error:
            raise _not_here(error.operation_type) from None
        except CannotGetOperationTypeError as error:
            return ExecutionResult(data=None, errors=[ApiError(UNRESOLVED, error.as_http_error_reason())])
        except MissingQueryError:
            raise refuse(400, "`query` must be a string with a GraphQL document.") from None


def _not_here(kind: OperationType) -> Refusal:
    if kind is OperationType.SUBSCRIPTION:
        return refuse(
            400,
            "Subscriptions are served over WebSocket, with the subprotocol graphql-transport-ws, and as server-sent "
            "events to a client that accepts text/event-stream.",
        )
    return refuse(405, "Mutations are served over POST only.", {"Allow": "POST"})


def _response_of(result: ExecutionResult, request_id: str, content_type: str) -> Response:
    """Return the response of a result: one without data where the request could not be run at all."""
    errors = result.errors or []
    if result.data is None and errors and all(error.path is None for error in errors):
        return failed(errors, request_id, _status(errors, content_type), content_type)
    body: dict[str, Any] = {"data": result.data}
    if errors:
        body["errors"] = [presented(error, request_id) for error in errors]
    return _json(body, 200, content_type)


def _status(errors: Sequence[GraphQLError], content_type: str) -> int:
    if any((error.extensions or {}).get("code") == UNAUTHENTICATED for error in errors):
        return 401
    return 400 if content_type == GRAPHQL_JSON else 200


def unforeseen(error: Exception, request_id: str, content_type: str) -> Response:
    """Log an error, and return its masked response: 503 where the same request may work later."""
    wrapped = GraphQLError(str(error), original_error=error)
    log_unforeseen(wrapped, request_id)
    is_transient = presented(wrapped, request_id)["extensions"]["retryable"]
    return failed([wrapped], request_id, 503 if is_transient else 500, content_type)


def failed(errors: Sequence[GraphQLError], request_id: str, status: int, content_type: str) -> Response:
    """Return a response of errors alone."""
    return _json({"errors": [presented(error, request_id) for error in errors]}, status, content_type)


def _own_content_type(request: Request) -> str:
    try:
        accepted = negotiated(request)
    except Refusal:
        return PLAIN_JSON
    return PLAIN_JSON if accepted == EVENT_STREAM else accepted


def _json(body: dict[str, Any], status: int, content_type: str) -> Response:
    return Response(orjson.dumps(body), status, headers={"Content-Type": f"{content_type}; charset=utf-8"})
