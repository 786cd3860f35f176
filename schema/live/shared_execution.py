"""Executing an event once for all subscribers that ask the same of it.

Many who follow one job send the same document, and what one of them is told is what all are told. So the answer for
an event is made once and kept for a moment, as data and as the text that goes out. Only callers who see the same share.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from inspect import isawaitable
from time import monotonic
from typing import TYPE_CHECKING, Any

import orjson
from graphql import ExecutionResult
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from schema.types.progress import GenerationProgress

if TYPE_CHECKING:
    from schema.context import Context

# Long enough for everyone who waits for an event, short enough that nothing in the answer grows old.
_KEPT_FOR_S = 1.0
_KEPT_MAX = 256

Answer = ExecutionResult | asyncio.Task[ExecutionResult]


class SharedData(dict[str, Any]):
    """The data of an answer that goes to several subscribers."""

    @cached_property
    def text(self) -> str:
        """The data as JSON, written once."""
        return orjson.dumps(self).decode()


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer. Its operation is held as well, because the operation's address is part of the key."""

    answer: Answer
    operation: object
    until_s: float


class SharedAnswers:
    """The answers of the last moment."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def find(self, key: Hashable) -> Answer | None:
        """Return the answer of a key that was made in the last moment, or is being made."""
        kept = self._kept.get(key)
        return kept.answer if kept is not None and kept.until_s > monotonic() and not _failed(kept.answer) else None

    def keep(self, key: Hashable, answer: Answer, operation: object) -> None:
        """Keep an answer for a moment, in place of the oldest."""
        self._kept[key] = _Kept(answer, operation, monotonic() + _KEPT_FOR_S)
        self._kept.move_to_end(key)
        if len(self._kept) > _KEPT_MAX:
            self._kept.popitem(last=False)


class SharingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Executes operations as Strawberry does, but an event of the subscription once for all who ask the same."""

    def execute_operation(self, serially: bool | None = None) -> Any:
        """Return the answer, or an awaitable of it."""
        told = self.root_value
        # A snapshot is of the moment at which it was asked for, and so is never another's.
        if not isinstance(told, GenerationProgress) or told.record.event is None:
            return super().execute_operation(serially)
        context: Context = self.context_value
        key = (id(self.operation), repr(self.variable_values.coerced), context.scope, told.record.key)
        found = context.parts.shared.find(key)
        if found is None:
            found = self._shareable(super().execute_operation(serially))
            context.parts.shared.keep(key, found, self.operation)
        # One subscriber's leaving must not take the answer from the others.
        return asyncio.shield(found) if isinstance(found, asyncio.Task) else found

    @staticmethod
    def _shareable(made: Any) -> Answer:
        async def awaited() -> ExecutionResult:
            return _with_shared_data(await made)

        return asyncio.create_task(awaited()) if isawaitable(made) else _with_shared_data(made)


def _failed(answer: Answer) -> bool:
    """Return whether an answer has errors: what went wrong for one may go right for the next."""
    if isinstance(answer, ExecutionResult):
        return bool(answer.errors)
    return answer.done() and (answer.cancelled() or answer.exception() is not None or bool(answer.result().errors))


def _with_shared_data(answer: ExecutionResult) -> ExecutionResult:
    if answer.data is not None:
        answer.data = SharedData(answer.data)
    return answer
