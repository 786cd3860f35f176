"""Which errors of the database pass by themselves."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# Lost connections, lost races, and a server that is out of resources.
_PASSING_CLASSES = ("08", "40", "53")
# A server that is stopping, that crashed, or that is not up yet. A statement that took too long is none of these:
# the same again would take as long, and hold up what waits behind it.
_PASSING_STATES = ("57P01", "57P02", "57P03", "57P05")


def is_transient(error: SQLAlchemyError) -> bool:
    """Return whether the same transaction may succeed when it is tried again."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate is None:
        # Without a word of the server's own: it could not be reached, or the driver refused what it was given.
        return isinstance(error, OperationalError | InterfaceError)
    return sqlstate[:2] in _PASSING_CLASSES or sqlstate in _PASSING_STATES
