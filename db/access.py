"""The role that a connection of the API takes for a caller: Postgres itself then refuses what is not the caller's.

This is the second line, behind the scopes and the roles in code. Workers and the command line stay the owner of the
tables, whom row-level security does not concern, so it costs them nothing. `grant_access` in the baseline is what each
role may do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine

ACCOUNT, VIEWER, AGENT = "diorama_account", "diorama_viewer", "diorama_agent"


@dataclass(frozen=True, slots=True)
class Access:
    """A role of the database, `none` for the owner; and the account whose rows alone the role `ACCOUNT` sees."""

    role: str = "none"
    account_id: UUID | None = None


OWNER = Access()

_access: ContextVar[Access] = ContextVar("access", default=OWNER)


@contextmanager
def taking(access: Access) -> Iterator[None]:
    """Let each connection that this task takes from the pool during the block have an access."""
    token = _access.set(access)
    try:
        yield
    finally:
        _access.reset(token)


# For the session, because a read has no transaction. Every use of a connection begins with it, so none is left over.
_TAKE = "SELECT set_config('role', %s, false), set_config('diorama.account', %s, false)"


def guard(engine: AsyncEngine) -> None:
    """Have every connection take the access of its user when it leaves the pool.

    The statement also shows whether the connection is still there, in place of a ping, so it costs no round trip.
    """
    event.listen(engine.sync_engine, "checkout", _take)


def _take(connection: Any, _record: Any, _proxy: Any) -> None:
    access = _access.get()
    try:
        # Otherwise a transaction would begin, and its end would undo the setting.
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(_TAKE, (access.role, "" if access.account_id is None else str(access.account_id)))
        cursor.close()
        connection.autocommit = False
    except psycopg.Error as error:
        if not (isinstance(error, psycopg.OperationalError) or connection.closed or connection.broken):
            raise
        # The pool then opens another one, and discards all that are as old.
        raise InvalidatePoolError from error


def is_granted(conn: Connection) -> bool:
    """Return whether the roles exist, may be taken by this user, and have been granted what they may do."""
    return bool(conn.scalar(_IS_GRANTED))


_IS_GRANTED = text(
    """
    SELECT bool_and(CASE WHEN to_regrole(each.name) IS NULL OR to_regclass('jobs') IS NULL THEN false
                         ELSE pg_has_role(session_user, each.name, 'MEMBER')
                              AND has_table_privilege(each.name, 'jobs', 'SELECT') END)
    FROM unnest(ARRAY['diorama_account', 'diorama_viewer', 'diorama_agent']) AS each (name)
    """
)
