"""A table or an archive over HTTP: a GET, sent as it is read, so that its size costs no memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from schema.errors import FORBIDDEN, NOT_FOUND, UNAVAILABLE, ApiError, unauthenticated
from schema.ids import MalformedId
from schema.transport.http import failed, new_request_id, unforeseen
from schema.transport.http_request import PLAIN_JSON, Refusal, refuse

Opener = Callable[[Request, AsyncExitStack], Awaitable[Response]]
"""Returns the response to a GET, and enters what lasts as long; raises Refusal, ApiError or MalformedId."""

_ALWAYS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_STATUS: Final = {FORBIDDEN: 403, NOT_FOUND: 404, UNAVAILABLE: 503}


class DownloadEndpoint:
    """Serves what one function opens."""

    def __init__(self, opened: Opener) -> None:
        self._opened = opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request as an ASGI application, of any method."""
        request = Request(scope, receive)
        request_id = new_request_id(request.headers.get("x-request-id"))
        async with AsyncExitStack() as kept:
            response = await self._guarded(request, request_id, kept)
            response.headers["X-Request-Id"] = request_id
            response.headers.update(_ALWAYS)
            await response(scope, receive, send)

    async def _guarded(self, request: Request, request_id: str, kept: AsyncExitStack) -> Response:
        try:
            if request.method != "GET":
                raise refuse(405, "A download can only be read, with GET.", {"Allow": "GET"})
            return await self._opened(request, kept)
        except Refusal as refusal:
            response = failed([refusal.error], request_id, refusal.status, PLAIN_JSON)
            response.headers.update(refusal.headers)
            return response
        except (ApiError, MalformedId) as error:
            shown = error if isinstance(error, ApiError) else ApiError("BAD_USER_INPUT", str(error))
            return failed([shown], request_id, _STATUS.get((shown.extensions or {})["code"], 400), PLAIN_JSON)
        except Exception as error:  # noqa: BLE001 - the last resort: masked for the caller, logged
            return unforeseen(error, request_id, PLAIN_JSON)


def unknown_caller() -> Refusal:
    """Return the refusal of a request without a key, a token or a ticket that works."""
    return Refusal(401, unauthenticated(), {"WWW-Authenticate": "Bearer"})
