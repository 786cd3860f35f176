"""JSON values: what may come in, so that all of it can be stored, compared and written again."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isfinite
from typing import Any

WHOLE_NUMBERS = range(-(2**63), 2**63)
DEPTH_MAX = 32
# The writer gives up at 254 levels, and the response around a value has some of its own.
_WRITTEN_DEPTH_MAX = 128


def is_deeper(value: Any, levels: int) -> bool:
    """Return whether a value is nested deeper than `levels`. Goes level by level, without recursion."""
    level = _members(value)
    while level and levels:
        level = [each for outer in level for each in _members(outer)]
        levels -= 1
    return bool(level)


def has_nul(value: Any) -> bool:
    """Return whether any text in a value has the one character that Postgres cannot store. Takes any depth."""
    return any("\0" in each for each in _leaves(value) if isinstance(each, str))


def is_plain(value: Any) -> bool:
    """Return whether all in a value is JSON, its whole numbers have 64 bits, and the others are finite."""
    return all(_is_plain(each) for each in _leaves(value))


def writable(value: Any) -> Any:
    """Return a stored value as it can be written, for not all that is stored was checked when it came.

    Numbers of more than 64 bits become floating ones, which is how Postgres gives back large floating numbers; what is
    too large or too deep for JSON becomes null. One such row must not take the page that it stands on with it.
    """
    if is_plain(value) and not is_deeper(value, _WRITTEN_DEPTH_MAX):
        return value
    return _tamed(value, _WRITTEN_DEPTH_MAX)


def _tamed(value: Any, levels: int) -> Any:
    if isinstance(value, dict):
        return {name: _tamed(each, levels - 1) for name, each in value.items()} if levels else None
    if isinstance(value, list):
        return [_tamed(each, levels - 1) for each in value] if levels else None
    if isinstance(value, int | float) and not _is_plain(value):
        nearest = _nearest(value)
        return nearest if isfinite(nearest) else None
    return value


def _nearest(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return inf


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return value in WHOLE_NUMBERS if isinstance(value, int) else isinstance(value, str | None)


def _leaves(value: Any) -> Iterator[Any]:
    """Yield every scalar in a value, including the names of members."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield from each
        if isinstance(each, dict | list):
            waiting += _members(each)
        else:
            yield each


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
