"""Sockets: their caller, and reading and writing messages."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected

from jobs.identity import Principal
from schema.context import Parts
from schema.transport.bearer import bearer
from schema.transport.callers import caller_of
from schema.transport.credential_check import Credential
from schema.transport.http_request import Refusal

# Clients begin an operation as soon as they are let in; asking who they are once is enough for both.
_BELIEVED_FOR_S = 1.0


@dataclass(slots=True)
class Socket:
    """One socket. `connection_params` is the payload of `connection_init`; `caller` is known after it."""

    parts: Parts
    request: WebSocket
    connection_params: dict[str, Any] = field(default_factory=dict)
    caller: Principal | None = None
    _asked_at_s: float = -math.inf

    @property
    def secret(self) -> str | None:
        """Return the key or token from `connection_init`, or from the request for the socket."""
        given = {name.lower(): value for name, value in self.connection_params.items()}
        token = given.get("token")
        from_payload = bearer(given.get("authorization")) or (token if isinstance(token, str) else None)
        return from_payload or bearer(self.request.headers.get("authorization"))

    async def caller_now(self) -> Principal | None:
        """Return whose key or token it is, asking again after a moment: it may have been revoked or have expired."""
        if monotonic() - self._asked_at_s > _BELIEVED_FOR_S:
            secret = self.secret
            try:
                self.caller = await caller_of(self.parts, secret)
            except Refusal:
                # There is no test mode (any more): like a key that was revoked.
                self.caller = None
            self._asked_at_s = monotonic()
        return self.caller

    @property
    def credential(self) -> Credential:
        """Return the key or token as it is known."""
        return Credential(self.secret or "", self.caller.role if self.caller else "")

    def seconds_left(self, now: datetime) -> float:
        """Return how long the caller's session still lasts; an API key's has no end."""
        if self.caller is None or self.caller.session is None:
            return math.inf
        return (self.caller.session.expires_at - now).total_seconds()


class SocketAdapter(ASGIWebSocketAdapter):
    """Reads and writes messages; a socket that is closed already is treated like one that is gone."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send a message as text."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        try:
            await self.ws.send_text(orjson.dumps(message).decode())
        except (WebSocketDisconnect, RuntimeError) as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Close the socket. Safe to repeat."""
        if self.ws.application_state is not WebSocketState.DISCONNECTED:
            await self.ws.close(code=code, reason=reason)


def decode_message(text: str | bytes, most: int) -> object:
    """Return the JSON value of a message; raise JSONDecodeError for one that is none, or is too large."""
    if len(text) > most:
        raise json.JSONDecodeError(f"A message may have at most {most} characters", "", 0)
    return orjson.loads(text)
