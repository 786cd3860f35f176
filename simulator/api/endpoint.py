"""The steps of every request to the API: read, count, authenticate, limit, handle, send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from simulator.api import facts
from simulator.api.exchange import Call, Reply, problem_reply
from simulator.api.sending import send_reply
from simulator.faults import responses
from simulator.problems import Problem, Unauthenticated
from simulator.simulation import Simulation

Handler = Callable[[Simulation, Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table of operations. `path` follows `/v1` for the API's own operations."""

    id: str
    method: str
    path: str
    handler: Handler
    needs_token: bool = True

    @property
    def creates(self) -> bool:
        """True if it counts against the limit for creating predictions."""
        return self.id.endswith("predictions.create")


class Endpoint:
    """The ASGI application behind one operation."""

    def __init__(self, sim: Simulation, operation: Operation) -> None:
        self.sim = sim
        self.operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = await read_call(self.operation.id, scope, receive)
        self.sim.counters.requests[call.operation] += 1
        reply = await self._reply(call)
        self.sim.counters.responses[f"{call.operation} {reply.status}"] += 1
        await send_reply(reply, scope, receive, send)

    async def _reply(self, call: Call) -> Reply:
        if not self.sim.faults.rules or not self.operation.needs_token:
            return await self._handled(call)
        about = facts.of_call(self.sim, call)
        return await responses.under(self.sim.faults, self.sim.counters, about, lambda: self._handled(call))

    async def _handled(self, call: Call) -> Reply:
        try:
            return await self._permitted(call)
        except Problem as problem:
            return problem_reply(problem)

    async def _permitted(self, call: Call) -> Reply:
        if not self.operation.needs_token:
            return await self.operation.handler(self.sim, call)
        _authenticate(self.sim.settings.tokens, call)
        limits = self.sim.limits.admit(creates=self.operation.creates)
        try:
            reply = await self.operation.handler(self.sim, call)
        except Problem as problem:
            reply = problem_reply(problem)
        return reply.having(limits)


async def read_call(operation: str, scope: Scope, receive: Receive) -> Call:
    """Read a whole request."""
    return Call(
        operation=operation,
        method=scope["method"],
        path=scope["path"],
        at=scope.get("path_params", {}),
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=await _read_body(receive),
    )


async def _read_body(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _authenticate(tokens: tuple[str, ...] | None, call: Call) -> None:
    """Raise Unauthenticated unless the request has an accepted token, as `Bearer` or as `Token`."""
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if not scheme:
        raise Unauthenticated("You did not pass an authentication token")
    if scheme.lower() not in ("bearer", "token") or not token or (tokens is not None and token not in tokens):
        raise Unauthenticated
