"""Running the database's synchronous functions from the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """Runs functions that take a `Connection`, each call on a connection of its own.

    Fields of one request resolve at the same time, and a connection serves one caller at a time.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._writing = engine
        # A single read needs no transaction, and without one it saves two round trips.
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def read(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that only reads; once more if its connection is cut, for that changes nothing."""
        try:
            return await self._read(function, *args, **kwargs)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return await self._read(function, *args, **kwargs)

    async def _read(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._reading.connect() as conn:
            return await conn.run_sync(function, *args, **kwargs)

    async def write(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a transaction, which commits unless it raises."""
        async with self._writing.begin() as conn:
            return await conn.run_sync(function, *args, **kwargs)
