"""Running the database's synchronous functions from the event loop, with the access of a caller."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.access import ACCOUNT, AGENT, OWNER, VIEWER, Access, is_granted, taking
from jobs.identity import Principal
from statemachine.vocabulary import Role

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
        self._reads, self._writes = OWNER, OWNER
        # Whether the roles are there is asked once, at the first request.
        self._has_roles: bool | None = None

    async def find_roles(self) -> None:
        """Find out whether this database has the roles that callers take; without them all are served as the owner."""
        if self._has_roles is None:
            self._has_roles = await self.read(is_granted)

    def acting_for(self, caller: Principal) -> Database:
        """Return the same database as a caller may use it: Postgres refuses the rest, whatever the code asks."""
        if not self._has_roles:
            return self
        theirs = copy(self)
        theirs._reads, theirs._writes = _accesses(caller)
        return theirs

    async def read(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that only reads; once more if its connection is cut, for that changes nothing."""
        try:
            return await self._read(function, *args, **kwargs)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return await self._read(function, *args, **kwargs)

    async def _read(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        with taking(self._reads):
            async with self._reading.connect() as conn:
                return await conn.run_sync(function, *args, **kwargs)

    async def write(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a transaction, which commits unless it raises."""
        with taking(self._writes):
            async with self._writing.begin() as conn:
                return await conn.run_sync(function, *args, **kwargs)


def _accesses(caller: Principal) -> tuple[Access, Access]:
    """Return what a caller reads and what it writes with.

    Partners write as the owner. What they change may depend on rows of others: a file is removed only if no other
    account has the same, and a row that cannot be seen would be taken for one that is not there.
    """
    if not caller.is_support:
        return Access(ACCOUNT, caller.account_id), OWNER
    if caller.has_role(Role.ADMIN):
        return OWNER, OWNER
    return Access(VIEWER), Access(AGENT if caller.has_role(Role.AGENT) else VIEWER)
