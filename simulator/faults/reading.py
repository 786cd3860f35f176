"""Reads fault rules from JSON, and reports what is wrong with an invalid one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.faults.menu import ERRORS, EVENTS, FILE_TYPES, MENU, OUTPUT_SHAPES, SERVER_ERRORS, Action
from simulator.predictions import Options

API, DELIVERY = "api", "delivery"
LARGEST = 1_000_000_000
"""The largest number in an option; a time plus this many seconds can still be written."""


class InvalidRule(ValueError):
    """A rule is invalid. The message says what it should be."""


@dataclass(frozen=True, slots=True)
class ReadRule:
    """The checked parts of a rule. Its plain numbers are taken from the JSON as they are."""

    action: Action
    options: Options
    match: Mapping[str, str]
    nth: frozenset[int] | None


def read_rule(given: Any) -> ReadRule:
    """Return a checked rule. Raises InvalidRule."""
    _check_keys(given)
    for key, value in given.items():
        if key in _VALUES and value is not None:
            fits, wanted = _VALUES[key]
            _require(fits(value), f"{key} is {wanted}, not {value!r}")
    action = MENU[given["action"]]
    return ReadRule(
        action=action,
        options=_options(action, given.get("options") or {}),
        match={key: given[key] for key in _MATCH if given.get(key) is not None},
        nth=_nth(given.get("nth")),
    )


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise InvalidRule(reason)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_nth(value: Any) -> bool:
    numbers = value if isinstance(value, list) else [value]
    return all(_is_whole(number) and number > 0 for number in numbers)


_Fits = Callable[[Any], bool]
_TEXT: tuple[_Fits, str] = (_is_text, "a text")
_MATCH = ("listener", "operation", "method", "path", "model", "prompt")
_VALUES: dict[str, tuple[_Fits, str]] = {
    **dict.fromkeys(_MATCH, _TEXT),
    "listener": (lambda value: value in (API, DELIVERY), f"{API!r} or {DELIVERY!r}"),
    "nth": (_are_nth, "the number of a match, counted from 1, or a list of such numbers"),
    "count": (lambda value: _is_whole(value) and value >= 0, "a whole number, 0 or more"),
    "probability": (lambda value: _is_number(value) and 0 <= value <= 1, "a number from 0 to 1"),
    "seed": (_is_whole, "a whole number"),
    "for_s": (lambda value: _is_number(value) and value >= 0, "a number of seconds, 0 or more"),
    "options": (lambda value: isinstance(value, dict), "a JSON object"),
}
_KEYS = ("action", *_VALUES)


def _check_keys(given: Any) -> None:
    _require(isinstance(given, dict), f"a rule is a JSON object, not {type(given).__name__}")
    unknown = sorted(set(given) - set(_KEYS))
    _require(not unknown, f"unknown keys in rule: {', '.join(unknown)}; known are {', '.join(_KEYS)}")
    action = given.get("action")
    known = isinstance(action, str) and action in MENU
    _require(known, f"unknown action {action!r}; known are {', '.join(MENU)}")


def _options(action: Action, given: Mapping[str, Any]) -> Options:
    """Return the action's options, the given ones over the defaults."""
    unknown = sorted(set(given) - set(action.options))
    known = ", ".join(action.options) or "none"
    _require(not unknown, f"unknown options for {action.name}: {', '.join(unknown)}; known are {known}")
    for name, value in given.items():
        _check_option(name, value, action.options[name])
    options = {**action.options, **given}
    return {"error": _error_text(options)} if action.name == "fail" else options


def _check_option(name: str, value: Any, default: Any) -> None:
    """Check an option against the type of its default, or against its choices if it has any."""
    if name == "events":
        fits = isinstance(value, list) and all(event in EVENTS for event in value)
        _require(fits, f"events is a list of {', '.join(EVENTS)}, not {value!r}")
    elif name == "type":
        _require(value in FILE_TYPES, f"type is one of {', '.join(FILE_TYPES)}, not {value!r}")
    elif name == "shape":
        _require(value in OUTPUT_SHAPES, f"shape is one of {', '.join(OUTPUT_SHAPES)}, not {value!r}")
    elif name == "status" and default in SERVER_ERRORS:
        _require(value in SERVER_ERRORS, f"status is one of {', '.join(map(str, SERVER_ERRORS))}, not {value!r}")
    elif isinstance(default, bool):
        _require(isinstance(value, bool), f"{name} is true or false, not {value!r}")
    elif _is_number(default):
        fits = _is_number(value) and 0 <= value <= LARGEST
        _require(fits, f"{name} is a number from 0 to {LARGEST}, not {value!r}")
    else:
        _require(_is_text(value), f"{name} is a text, not {value!r}")


def _error_text(options: Options) -> str:
    if options["error"] is not None:
        return str(options["error"])
    code = options["code"]
    _require(code in ERRORS, f"unknown code {code!r}; known are {', '.join(ERRORS)}, or give `error`")
    return ERRORS[code]


def _nth(given: Any) -> frozenset[int] | None:
    if given is None:
        return None
    return frozenset(given if isinstance(given, list) else [given])
