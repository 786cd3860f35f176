"""Reading a GraphQL request from an HTTP request, and refusing a malformed one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request

from schema.admission.json_values import is_deeper
from schema.errors import BAD_REQUEST, ApiError
from schema.runtime import Limits
from schema.transport.event_stream import EVENT_STREAM

GRAPHQL_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"

# The content type for each range of an Accept header. Wildcards get the one that every client understands.
_CONTENT_TYPES = {
    GRAPHQL_JSON: GRAPHQL_JSON,
    PLAIN_JSON: PLAIN_JSON,
    EVENT_STREAM: EVENT_STREAM,
    "application/*": PLAIN_JSON,
    "*/*": PLAIN_JSON,
}


class Refusal(Exception):
    """A refusal of the request, with this status and error, before any of it runs."""

    def __init__(self, status: int, error: ApiError, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.headers = dict(headers or {})


def refuse(status: int, message: str, headers: Mapping[str, str] | None = None) -> Refusal:
    """Return the refusal of a malformed request."""
    return Refusal(status, ApiError(BAD_REQUEST, message), headers)


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a GraphQL request."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


async def read_asked(request: Request, limits: Limits) -> Asked:
    """Return the GraphQL request; raise Refusal for anything that is not a GraphQL request."""
    if request.method == "GET":
        return _checked(_from_address(request.query_params, limits))
    kind, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    if kind.strip() != PLAIN_JSON or ("charset" in parameters and "utf-8" not in parameters):
        raise refuse(415, "Send the request as application/json in UTF-8.")
    return _checked(_decoded(await _body(request, limits.body_bytes), "The body", limits))


def negotiated(request: Request) -> str:
    """Return the content type of the response; raise Refusal where the client accepts none of ours."""
    accept = request.headers.get("accept")
    if not accept:
        return PLAIN_JSON
    ranges = sorted((_quality(each) for each in accept.split(",")), key=lambda each: -each[0])
    accepted = [_CONTENT_TYPES[kind] for quality, kind in ranges if quality > 0 and kind in _CONTENT_TYPES]
    if not accepted:
        raise refuse(406, f"Responses are sent as {GRAPHQL_JSON}, {PLAIN_JSON} or {EVENT_STREAM}; accept one of them.")
    return accepted[0]


def _quality(media_range: str) -> tuple[float, str]:
    kind, *parameters = (part.strip().lower() for part in media_range.split(";"))
    given = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    try:
        return float(given), kind
    except ValueError:
        return 0.0, kind


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise refuse(413, f"The body may have at most {most} bytes.", {"Connection": "close"})
    return bytes(body)


def _from_address(parameters: Mapping[str, str], limits: Limits) -> dict[str, Any]:
    given: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = _decoded(given[name], f"`{name}`", limits)
    return given


def _decoded(text: bytes | str, what: str, limits: Limits) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise refuse(400, f"{what} is not JSON: {error.msg}.") from None
    if is_deeper(value, limits.json_depth):
        raise refuse(400, f"{what} is nested more than {limits.json_depth} levels deep.")
    return value


def _checked(given: Any) -> Asked:
    """Return the parameters if they are of the right types; raise Refusal otherwise. Unknown ones are ignored."""
    if isinstance(given, list):
        raise refuse(400, "Batches are not served: send one operation a request.")
    if not isinstance(given, dict):
        raise refuse(400, "The body must be a JSON object with `query`.")
    query = given.get("query")
    if not isinstance(query, str) or not query:
        raise refuse(400, "`query` must be a string with a GraphQL document.")
    for name in ("variables", "extensions"):
        if not isinstance(given.get(name), dict | None):
            raise refuse(400, f"`{name}` must be an object or null.")
    if not isinstance(given.get("operationName"), str | None):
        raise refuse(400, "`operationName` must be a string or null.")
    return Asked(query, given.get("variables"), given.get("operationName") or None)
