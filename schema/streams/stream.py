"""A stream, as its readers see it: messages in order, an offset after each, and for some of them an end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# Messages of one response: some hundred kilobytes.
BATCH_MAX = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages in order, the offset after them, and whether there are more of them, now or ever."""

    messages: Sequence[dict[str, Any]]
    next_offset: str
    up_to_date: bool
    closed: bool = False


class Stream(Protocol):
    """One stream for one reader.

    All methods raise ApiError for what the reader may not see, MalformedOffset for an offset that is none, or beyond
    the end, and OffsetPurged for one that is too old.
    """

    async def tail(self) -> Batch:
        """Return the end of the stream, without messages."""
        ...

    async def read(self, offset: str) -> Batch:
        """Return the messages after an offset, at most BATCH_MAX."""
        ...

    def follow(self, offset: str) -> AsyncGenerator[Batch, None]:
        """Yield what follows an offset, first what is there already, maybe nothing, and then each as it comes.

        Ends with the stream, or where the reader has to come back with the last offset.
        """
        ...
