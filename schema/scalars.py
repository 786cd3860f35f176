"""The scalars beside GraphQL's own. Each refuses a wrong value with the words that say what would be right."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from schema.errors import BAD_USER_INPUT, ApiError

BigInt = NewType("BigInt", int)
URL = NewType("URL", str)
JSON = NewType("JSON", object)

_BIG_INT_BOUND = 2**63


def _write_time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_time(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ApiError(BAD_USER_INPUT, 'A DateTime is RFC 3339 with an offset, such as "2026-01-31T12:00:00Z".')
    return moment.astimezone(UTC)


def _read_big_int(value: Any) -> int:
    if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) < 21:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -_BIG_INT_BOUND <= value < _BIG_INT_BOUND:
        raise ApiError(BAD_USER_INPUT, "A BigInt is a whole number of 64 bits.")
    return value


def _read_url(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith(("https://", "http://")) or len(value) > 2048:
        raise ApiError(BAD_USER_INPUT, "A URL starts with https:// and has at most 2048 characters.")
    return value


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in UTC, as RFC 3339 with milliseconds: 2026-01-31T12:00:00.000Z.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=_write_time,
        parse_value=_read_time,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A whole number of 64 bits, for sizes in bytes and money in micro-dollars.",
        serialize=int,
        parse_value=_read_big_int,
    ),
    URL: strawberry.scalar(name="URL", description="An absolute URL.", serialize=str, parse_value=_read_url),
    JSON: strawberry.scalar(
        name="JSON", description="Any JSON value.", serialize=lambda value: value, parse_value=lambda value: value
    ),
}
