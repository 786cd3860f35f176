"""Custom scalars. Each refuses a wrong value with a message that describes a right one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, NewType

import strawberry
from graphql import Undefined
from strawberry.types.scalar import ScalarDefinition

from schema.admission.json_values import DEPTH_MAX, WHOLE_NUMBERS, is_deeper, is_plain, writable
from schema.errors import BAD_USER_INPUT, ApiError

BigInt = NewType("BigInt", int)
URL = NewType("URL", str)
JSON = NewType("JSON", object)

_DIGITS = re.compile(r"-?[0-9]{1,19}")


def write_time(value: datetime) -> str:
    """Return a moment as the API writes it: RFC 3339 in UTC, with milliseconds."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_time(value: Any) -> datetime:
    """Return a moment that a caller wrote; raise ApiError for anything else."""
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            # The first and the last day of the calendar are not there in every offset.
            return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ApiError(BAD_USER_INPUT, 'A DateTime is RFC 3339 with an offset, such as "2026-01-31T12:00:00Z".')


def _read_big_int(value: Any) -> int:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value not in WHOLE_NUMBERS:
        raise ApiError(BAD_USER_INPUT, "A BigInt is a whole number of 64 bits.")
    return value


def _read_url(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith(("https://", "http://")) or len(value) > 2048:
        raise ApiError(BAD_USER_INPUT, "A URL starts with https:// and has at most 2048 characters.")
    return value


def _read_json(value: Any) -> Any:
    if is_deeper(value, DEPTH_MAX) or not is_plain(found := _given(value)):
        raise ApiError(
            BAD_USER_INPUT,
            f"A JSON value has at most {DEPTH_MAX} levels, whole numbers of 64 bits, and finite other numbers.",
        )
    return found


def _given(value: Any) -> Any:
    """Return a value without the members whose variables were not given; in a list such an item is null."""
    if isinstance(value, dict):
        return {name: _given(each) for name, each in value.items() if each is not Undefined}
    if isinstance(value, list):
        return [_given(each) for each in value]
    return None if value is Undefined else value


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in UTC, as RFC 3339 with milliseconds: 2026-01-31T12:00:00.000Z.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=write_time,
        parse_value=read_time,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A 64-bit integer, for sizes in bytes and money in micro-dollars.",
        serialize=int,
        parse_value=_read_big_int,
    ),
    URL: strawberry.scalar(name="URL", description="An absolute URL.", serialize=str, parse_value=_read_url),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value; integers have 64 bits.",
        serialize=writable,
        parse_value=_read_json,
    ),
}
