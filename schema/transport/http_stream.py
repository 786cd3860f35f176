"""GraphQL over server-sent events: the distinct connections mode of graphql-sse, one operation a request.

Source: PROTOCOL.md of graphql-sse 2.6. Each result is an event `next`, and `complete` is the last. Errors before the
execution are a `next` too, because a client of server-sent events cannot read the body of a refusal.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson
from graphql import GraphQLError
from strawberry.types import ExecutionResult

from schema.build import DioramaSchema
from schema.context import Context
from schema.errors import log_unforeseen, presented
from schema.live.buffers import ServerClosing
from schema.live.shared_results import SharedData
from schema.transport.event_stream import event
from schema.transport.http_request import Asked

_COMPLETE = event("complete")


async def operation_events(schema: DioramaSchema, asked: Asked, context: Context) -> AsyncGenerator[bytes, None]:
    """Yield the results of an operation of any type, then that it is complete.

    When the server is stopping, the stream ends without the last event: clients then send the operation again.
    """
    try:
        async with aclosing(_results(schema, asked, context)) as results:
            async for result in results:
                if any(isinstance(error, ServerClosing) for error in result.errors or ()):
                    return
                yield event("next", _payload(result, context.request_id))
    except Exception as error:  # noqa: BLE001 - the last resort: masked for the caller, logged
        wrapped = GraphQLError(str(error), original_error=error)
        log_unforeseen(wrapped, context.request_id)
        yield event("next", _payload(ExecutionResult(data=None, errors=[wrapped]), context.request_id))
    yield _COMPLETE


async def _results(schema: DioramaSchema, asked: Asked, context: Context) -> AsyncGenerator[ExecutionResult, None]:
    results: Any = await schema.stream(
        asked.query, variable_values=asked.variables, context_value=context, operation_name=asked.operation_name
    )
    async with aclosing(results):
        async for result in results:
            yield result


def _payload(result: ExecutionResult, request_id: str) -> str:
    data = result.data
    payload: dict[str, Any] = {}
    if data is not None or not result.errors:
        payload["data"] = orjson.Fragment(data.text) if isinstance(data, SharedData) else data
    if result.errors:
        payload["errors"] = [presented(error, request_id) for error in result.errors]
    return orjson.dumps(payload).decode()
