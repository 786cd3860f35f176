"""Executing an event once for all subscribers that request the same.

Many subscribers of one job send the same document and receive the same events. So the result for an event is computed
once and kept for a moment, as data and as the text that is sent. Only callers of the same role and scope share it.
"""

from __future__ import annotations

import asyncio
from inspect import isawaitable
from typing import Any

from graphql import ExecutionResult
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from schema.context import Context
from schema.live.shared_results import Result, SharedData
from schema.types.progress import GenerationProgress


class SharingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes operations as Strawberry does, but each event of a subscription once for all who ask for the same."""

    def execute_operation(self, serially: bool | None = None) -> Any:
        """Return the result, or an awaitable of it."""
        root = self.root_value
        # A snapshot belongs to the moment of its request, and so to one subscriber.
        if not isinstance(root, GenerationProgress) or root.record.event is None:
            return super().execute_operation(serially)
        context: Context = self.context_value
        reader = context.principal
        key = (id(self.operation), repr(self.variable_values.coerced), reader.scope, reader.role, root.record.key)
        found = context.parts.shared.find(key)
        if found is None:
            found = self._shareable(super().execute_operation(serially))
            context.parts.shared.keep(key, found, self.operation)
        # One subscriber's leaving must not take the result from the others.
        return asyncio.shield(found) if isinstance(found, asyncio.Task) else found

    @staticmethod
    def _shareable(made: Any) -> Result:
        async def awaited() -> ExecutionResult:
            return _with_shared_data(await made)

        return asyncio.create_task(awaited()) if isawaitable(made) else _with_shared_data(made)


def _with_shared_data(result: ExecutionResult) -> ExecutionResult:
    if result.data is not None:
        result.data = SharedData(result.data)
    return result
