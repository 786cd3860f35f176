"""Classify database errors as transient or permanent."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# Lost connections, lost races, and a server that is out of resources.
_TRANSIENT_CLASSES = ("08", "40", "53")
# A server that is stopping, crashed, or not up yet. A statement timeout is not transient: the same statement would take
# as long again, and block the work behind it.
_TRANSIENT_STATES = ("57P01", "57P02", "57P03", "57P05")


def is_transient(error: SQLAlchemyError) -> bool:
    """Return True if the same transaction may succeed when retried."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    sqlstate = getattr(error.orig, "sqlstate", None)
    if sqlstate is None:
        # No SQLSTATE: the server could not be reached, or the driver rejected its input.
        return isinstance(error, OperationalError | InterfaceError)
    return sqlstate[:2] in _TRANSIENT_CLASSES or sqlstate in _TRANSIENT_STATES
