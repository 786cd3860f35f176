"""The ASGI application that accepts sockets."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UNSET, UnsetType

from schema.admitted import check_admitted
from schema.build import DioramaSchema
from schema.context import Parts
from schema.runtime import LOCAL_ORIGIN
from schema.transport.sockets import Socket, SocketAdapter, decode_message
from schema.transport.websocket import SocketHandler


class SocketEndpoint(GraphQL[Socket, None]):
    """Accepts the sockets of `/graphql`, up to the limit of the process."""

    websocket_adapter_class = SocketAdapter
    graphql_transport_ws_handler_class = SocketHandler

    def __init__(self, schema: DioramaSchema, parts: Parts) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=parts.settings.init_timeout,
            max_subscriptions_per_connection=parts.settings.limits.operations_per_socket,
            allowed_origins=parts.settings.allowed_origins,
        )
        self._parts = parts
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket from its request to its end."""
        socket = WebSocket(scope, receive=receive, send=send)
        if self._open >= self._parts.settings.limits.sockets:
            await socket.send_denial_response(PlainTextResponse("Too many sockets; try again later.", 503))
            return
        self._open += 1
        try:
            await self.run(socket)
        finally:
            self._open -= 1

    def is_websocket_origin_allowed(self, request: WebSocket, origin: str) -> bool:
        """Return whether a page of an origin may open a socket: in development, any of this machine may."""
        is_local = self._parts.settings.development and re.fullmatch(LOCAL_ORIGIN, origin) is not None
        return is_local or super().is_websocket_origin_allowed(request, origin)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Socket:
        """Return the socket; each of its operations gets a context of its own."""
        assert isinstance(request, WebSocket)  # only sockets are routed here
        return Socket(self._parts, request)

    async def on_ws_connect(self, context: Socket) -> UnsetType | dict[str, object] | None:
        """Accept a known caller who is not suspended."""
        caller = await context.caller_now()
        if caller is None:
            raise ConnectionRejectionError
        check_admitted(caller)
        unset: UnsetType = UNSET
        return unset

    def decode_json(self, data: str | bytes) -> Any:
        """Decode a message within the limit."""
        return decode_message(data, self._parts.settings.limits.body_bytes)
