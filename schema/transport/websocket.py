"""GraphQL over WebSocket: graphql-transport-ws, and nothing older.

Beyond what Strawberry's handler does: messages that are no objects close the socket properly, a syntax error ends the
operation and not the socket, an error in the midst of a stream is an `error`, every operation has a context of its own,
quiet sockets are pinged, and a socket ends with the session or the key that opened it.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from graphql import GraphQLError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.types import ExecutionResult

from jobs.errors import Suspended
from schema.context import Context
from schema.errors import LIMIT_EXCEEDED, TRANSIENT, ApiError, log_unforeseen, presented, unauthenticated
from schema.live.buffers import ServerClosing
from schema.live.shared_results import SharedData
from schema.transport.credential_check import Credential
from schema.transport.http import new_request_id
from schema.transport.sockets import Socket

log = structlog.get_logger(__name__)

_OPERATION = {"query": str, "variables": dict, "operationName": str, "extensions": dict}


class SocketHandler(BaseGraphQLTransportWSHandler[Any, None]):
    """Speaks graphql-transport-ws on one socket. `context` is the Socket."""

    context: Socket

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._keeper: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._given: Credential | None = None

    async def handle_message(self, message: Any) -> None:
        """Handle a message, or close with 4400 where it is not of the protocol's shape."""
        if wrong := _malformed(message):
            await self.handle_invalid_message(wrong)
        else:
            await super().handle_message(message)

    async def handle_connection_init(self, message: Any) -> None:
        """Authenticate: 4403 for an unknown or suspended caller, 1013 while the database is unavailable.

        4403 also ends an open socket whose session or key does. 4401 means one thing: an operation before the ack.
        """
        try:
            await super().handle_connection_init({"type": "connection_init", "payload": message.get("payload") or {}})
        except TRANSIENT:
            await self.websocket.close(1013, "Try again later")
        except Suspended:
            await self.websocket.close(4403, "Suspended")
        except Exception:
            log.exception("a socket could not be opened")
            await self.websocket.close(4403, "Forbidden")
        if self.connection_acknowledged and self._keeper is None:
            self._keeper = asyncio.create_task(self._keep(), name="socket-keeper")
            self._given = self.context.credential
            self.context.parts.callers.add(self._given, self._lost)

    async def handle_ping(self, message: Any) -> None:
        """Send a pong with the ping's payload."""
        payload = {"payload": message["payload"]} if "payload" in message else {}
        await self.websocket.send_json({"type": "pong", **payload})

    async def handle_subscribe(self, message: Any) -> None:
        """Begin an operation, unless the socket has as many as it may."""
        most = self.context.parts.settings.limits.operations_per_socket
        if self.connection_acknowledged and message["id"] not in self.operations and len(self.operations) >= most:
            error = ApiError(LIMIT_EXCEEDED, f"A socket runs at most {most} operations at a time.", retryable=True)
            payload = [presented(error, new_request_id())]
            await self.websocket.send_json({"type": "error", "id": message["id"], "payload": payload})
        else:
            await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[Any, None]) -> None:
        """Run one operation to its end, and tell the client how it ended."""
        request_id = new_request_id()
        try:
            await self._run(operation, request_id)
        except (WebSocketDisconnected, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - the last resort: masked for the caller, logged
            wrapped = GraphQLError(str(error), original_error=error)
            log_unforeseen(wrapped, request_id)
            await self._send_errors(operation, [wrapped], request_id)

    async def _run(self, operation: Operation[Any, None], request_id: str) -> None:
        socket = self.context
        caller = await socket.caller_now()
        if caller is None:
            await self._send_errors(operation, [unauthenticated()], request_id)
            return
        if (refusal := socket.parts.request_rates.take(caller).error) is not None:
            await self._send_errors(operation, [refusal], request_id)
            return
        results = await self.schema.stream(
            operation.query,
            variable_values=operation.variables,
            context_value=Context(socket.parts, caller, request_id),
            operation_name=operation.operation_name,
        )
        async with aclosing(results):
            async for result in results:
                if not await self._send_result(operation, result, request_id):
                    return
        await operation.send_operation_message({"id": operation.id, "type": "complete"})

    async def _send_result(self, operation: Operation[Any, None], result: Any, request_id: str) -> bool:
        """Send a result and return True; or send what ended the operation, and return False."""
        sent: ExecutionResult = result
        errors = sent.errors or []
        if any(isinstance(error, ServerClosing) for error in errors):
            # Clients take this code as an invitation to connect again, and have a cursor to go on from.
            await self.websocket.close(1012, "The server restarts")
            return False
        if sent.data is None and errors:
            # For a subscriber this comes before the event, which its last cursor brings back.
            await self._send_errors(operation, errors, request_id)
            return False
        await self._send_next(operation, sent, request_id)
        return True

    async def _send_next(self, operation: Operation[Any, None], sent: ExecutionResult, request_id: str) -> None:
        payload: dict[str, Any] = {"data": sent.data}
        if isinstance(sent.data, SharedData):
            payload["data"] = orjson.Fragment(sent.data.text)
        if sent.errors:
            payload["errors"] = [presented(error, request_id) for error in sent.errors]
        message: Any = {"id": operation.id, "type": "next", "payload": payload}
        await operation.send_operation_message(message)

    async def _send_errors(self, operation: Operation[Any, None], errors: list[Any], request_id: str) -> None:
        message: Any = {
            "id": operation.id,
            "type": "error",
            "payload": [presented(error, request_id) for error in errors],
        }
        await operation.send_operation_message(message)

    async def _keep(self) -> None:
        """Ping while the session lasts, then close."""
        every_s = self.context.parts.settings.ping_every.total_seconds()
        with suppress(WebSocketDisconnected):
            while (left_s := self.context.seconds_left(datetime.now(UTC))) > 0:
                await asyncio.sleep(min(every_s, left_s))
                await self.websocket.send_json({"type": "ping"})
            await self.websocket.close(4403, "The session has expired")

    def _lost(self) -> None:
        """Close, because the key was revoked or changed, the session is no more, or the caller was suspended."""
        self._closing = asyncio.create_task(self._close_for_good(), name="socket-close")

    async def _close_for_good(self) -> None:
        with suppress(WebSocketDisconnected):
            if self.context.caller is not None and self.context.caller.session is not None:
                await self.websocket.close(4403, "The session has ended, or was suspended")
            else:
                await self.websocket.close(4403, "The key was revoked or changed, or its account suspended")

    async def shutdown(self) -> None:
        """Stop everything that belongs to the socket."""
        if self._given is not None:
            self.context.parts.callers.remove(self._given, self._lost)
        if self._keeper is not None:
            self._keeper.cancel()
        await super().shutdown()


def _malformed(message: Any) -> str | None:
    """Return what is wrong with the shape of a message, or None. Reasons of a close have at most 123 bytes."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "A message must be a JSON object with a type"
    if message["type"] in ("subscribe", "complete") and not _is_text(message.get("id")):
        return "The message needs an id"
    if message["type"] == "connection_init" and not isinstance(message.get("payload"), dict | None):
        return "The payload of connection_init must be an object or null"
    if message["type"] == "subscribe":
        return _malformed_operation(message.get("payload"))
    return None


def _malformed_operation(payload: Any) -> str | None:
    if not isinstance(payload, dict) or not _is_text(payload.get("query")):
        return "The payload of subscribe must be an object with a query"
    for name, kind in _OPERATION.items():
        if payload.get(name) is not None and not isinstance(payload[name], kind):
            return f"{name} is of the wrong type"
    return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
