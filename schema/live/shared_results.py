"""Recent results, each kept for a moment for all subscribers that request the same."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from time import monotonic
from typing import Any

import orjson
from graphql import ExecutionResult

# Long enough for everyone who waits for an event, short enough that nothing in the result grows old.
_KEPT_FOR_S = 1.0
_KEPT_MAX = 256

Result = ExecutionResult | asyncio.Task[ExecutionResult]


class SharedData(dict[str, Any]):
    """The data of a result that goes to several subscribers."""

    @cached_property
    def text(self) -> str:
        """Return the data as JSON, written once."""
        return orjson.dumps(self).decode()


@dataclass(frozen=True, slots=True)
class _Kept:
    """A result. Its operation is kept too, because the operation's address is part of the key."""

    result: Result
    operation: object
    until_s: float


class SharedResults:
    """Keeps each result for a moment."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()

    def find(self, key: Hashable) -> Result | None:
        """Return the result that was made for a key in the last moment, or is being made."""
        kept = self._kept.get(key)
        return kept.result if kept is not None and kept.until_s > monotonic() and not _failed(kept.result) else None

    def keep(self, key: Hashable, result: Result, operation: object) -> None:
        """Keep a result for a moment, in place of the oldest."""
        self._kept[key] = _Kept(result, operation, monotonic() + _KEPT_FOR_S)
        self._kept.move_to_end(key)
        if len(self._kept) > _KEPT_MAX:
            self._kept.popitem(last=False)


def _failed(result: Result) -> bool:
    """Return whether a result has errors: the same operation may succeed for the next subscriber."""
    if isinstance(result, ExecutionResult):
        return bool(result.errors)
    return result.done() and (result.cancelled() or result.exception() is not None or bool(result.result().errors))
