"""Top-level errors: faults of a request, with codes that programs can act on.

A wrong input of a mutation is a `userErrors` entry instead (`schema.types.errors`). Every unexpected error is masked:
the caller gets a request id, and the log gets the rest, once.
"""

from __future__ import annotations

from typing import Any

import structlog
from graphql import GraphQLError, GraphQLSyntaxError
from psycopg import Error as DriverError
from psycopg import OperationalError as DriverOperationalError
from sqlalchemy.exc import OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from strawberry.schema.exceptions import CannotGetOperationTypeError

from db.records.events import UnreadableEvent
from jobs.errors import UseCaseError
from jobs.full_disk import DiskFull
from jobs.media import MediaInterrupted
from schema.cursors import MalformedCursor
from schema.ids import MalformedId
from storage import StorageUnavailable

log = structlog.get_logger(__name__)

BAD_USER_INPUT = "BAD_USER_INPUT"
BAD_REQUEST = "BAD_REQUEST"
UNAUTHENTICATED = "UNAUTHENTICATED"
FORBIDDEN = "FORBIDDEN"
NOT_FOUND = "NOT_FOUND"
SUSPENDED = "SUSPENDED"
PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
TOO_COMPLEX = "QUERY_TOO_COMPLEX"
UNRESOLVED = "OPERATION_RESOLUTION_FAILURE"
LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
RATE_LIMITED = "RATE_LIMITED"
UNAVAILABLE = "SERVICE_UNAVAILABLE"
INTERNAL = "INTERNAL_SERVER_ERROR"

# Transient errors of the database, the object store, the disk and the process that checks a picture, and values that a
# newer version wrote during a deployment: the same request may well succeed a moment later.
TRANSIENT = (
    OperationalError,
    DriverOperationalError,
    PoolTimeout,
    StorageUnavailable,
    MediaInterrupted,
    DiskFull,
    UnreadableEvent,
)


class ApiError(GraphQLError):
    """An error that is returned unmasked. `more` goes into the extensions."""

    def __init__(self, code: str, message: str, *, retryable: bool = False, **more: Any) -> None:
        super().__init__(message, extensions={"code": code, "retryable": retryable, **more})


def unauthenticated() -> ApiError:
    """Return the error for a caller without a valid key or token."""
    return ApiError(
        UNAUTHENTICATED,
        "Send a valid API key or an unexpired session token, as `Authorization: Bearer <key or token>`.",
    )


def presented(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """Return the error as it is sent: with code, retryable and request id, and masked when it is unexpected."""
    shown: dict[str, Any] = dict(error.formatted)
    code, retryable, message = _described(error)
    if message is not None:
        shown["message"] = message
    more = {} if code == INTERNAL else shown.get("extensions", {})
    shown["extensions"] = {"code": code, "retryable": retryable, "requestId": request_id} | more
    if code == INTERNAL:
        shown["message"] = f"Something went wrong on our side. Quote request id {request_id} to support."
    return shown


def _described(error: GraphQLError) -> tuple[str, bool, str | None]:
    """Return code, whether to try again, and the message where it is not the error's own."""
    cause = root_cause(error)
    if isinstance(error, GraphQLSyntaxError):
        return PARSE_FAILED, False, None
    if isinstance(cause, UseCaseError):
        return cause.code if cause.code in (FORBIDDEN, NOT_FOUND, SUSPENDED) else BAD_USER_INPUT, False, None
    if isinstance(cause, (MalformedId, MalformedCursor)):
        return BAD_USER_INPUT, False, None
    if isinstance(cause, CannotGetOperationTypeError):
        return UNRESOLVED, False, None
    if isinstance(cause, RecursionError):
        return PARSE_FAILED, False, "The document is nested too deeply."
    if isinstance(cause, TRANSIENT):
        return UNAVAILABLE, True, "Part of the service cannot be reached. Please try again in a moment."
    return (BAD_USER_INPUT if cause is None else INTERNAL), False, None


def root_cause(error: GraphQLError) -> Exception | None:
    """Return the exception that a resolver raised, or None where GraphQL itself found the error."""
    cause: Exception | None = error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def log_unforeseen(error: GraphQLError, request_id: str) -> None:
    """Log an error that is masked, with its traceback but without the request's variables: they may contain faces."""
    code, _, _ = _described(error)
    if code in (INTERNAL, UNAVAILABLE):
        path = ".".join(str(part) for part in error.path or ())
        cause = root_cause(error)
        log.error(
            "a request failed",
            path=path or None,
            exc_info=None if cause is None else _without_rows(cause),
            request_id=request_id,
            code=code,
        )


class DatabaseFailed(Exception):
    """The first line of a Postgres error. Its detail and context quote rows and parameters, so they are not logged."""

    @classmethod
    def of(cls, error: StatementError | DriverError) -> DatabaseFailed:
        """Return what may be logged of an error: its kind, its code and its first sentence, and where it came up."""
        cause = error.orig if isinstance(error, StatementError) else error
        parts = [type(cause or error).__name__]
        if isinstance(cause, DriverError):
            parts += [each for each in (cause.sqlstate, cause.diag.message_primary) if each]
        return cls(": ".join(parts)).with_traceback(error.__traceback__)


def _without_rows(error: BaseException) -> BaseException:
    """Return an error with those of the database replaced, in all that it came from too."""
    if isinstance(error, StatementError | DriverError):
        return DatabaseFailed.of(error)
    if error.__cause__ is not None:
        error.__cause__ = _without_rows(error.__cause__)
    if error.__context__ is not None:
        error.__context__ = _without_rows(error.__context__)
    return error
