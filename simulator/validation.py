"""Checks request bodies and model inputs, and reports errors in Replicate's words.

Only the part of JSON Schema that models use: types, choices, bounds, lengths, arrays, patterns and `format: uri`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from simulator.models.catalogue import Model
from simulator.problems import InvalidField, InvalidInput

Schema = Mapping[str, Any]

SLUG: Schema = {"type": "string", "pattern": "[A-Za-z0-9][A-Za-z0-9._-]*"}
"""A name that can be a part of a path."""
_URI_CHARACTERS = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
WEBHOOK_EVENTS = ("start", "output", "logs", "completed")
_PREDICTION: dict[str, Schema] = {
    "input": {"type": "object"},
    "webhook": {"type": "string", "format": "uri"},
    "webhook_events_filter": {"type": "array", "items": {"type": "string", "enum": list(WEBHOOK_EVENTS)}},
    "stream": {"type": "boolean"},
}
MODEL_PREDICTION = _PREDICTION
VERSION_PREDICTION: dict[str, Schema] = {"version": {"type": "string"}, **_PREDICTION}


def check_body(body: Any, properties: Mapping[str, Schema], required: tuple[str, ...]) -> dict[str, Any]:
    """Return a request body that has the required keys and no others than `properties`, or raise InvalidInput."""
    if not isinstance(body, dict):
        raise InvalidInput([_wrong_type("", "object", body)])
    faults = [*_missing(body, required, ""), *_additional(body, properties, ""), *_wrong(body, properties, "")]
    if faults:
        raise InvalidInput(faults)
    return body


def check_input(given: dict[str, Any], model: Model, *, reject_unknown: bool) -> None:
    """Raise InvalidInput unless the input fits the model's schema."""
    faults = [*_missing(given, model.required, "input"), *_wrong(given, model.properties, "input")]
    if reject_unknown:
        faults += _additional(given, model.properties, "input")
    if faults:
        raise InvalidInput(faults)


def _missing(value: dict[str, Any], required: tuple[str, ...], at: str) -> Iterator[InvalidField]:
    for name in required:
        if name not in value:
            yield InvalidField("required", at, f"{name} is required")


def _additional(value: dict[str, Any], known: Mapping[str, Schema], at: str) -> Iterator[InvalidField]:
    for name in value:
        if name not in known:
            description = f"Additional property {name} is not allowed"
            yield InvalidField("additional_property_not_allowed", at, description)


def _wrong(value: dict[str, Any], properties: Mapping[str, Schema], at: str) -> Iterator[InvalidField]:
    for name, each in value.items():
        if name in properties:
            yield from _check(each, properties[name], f"{at}.{name}" if at else name)


def _check(value: Any, schema: Schema, at: str) -> Iterator[InvalidField]:
    if value is None and schema.get("nullable"):
        return
    if not _TYPES[schema["type"]](value):
        yield _wrong_type(at, schema["type"], value)
        return
    if "enum" in schema and value not in schema["enum"]:
        choices = ", ".join(json.dumps(choice) for choice in schema["enum"])
        yield InvalidField("enum", at, f"{_leaf(at)} must be one of the following: {choices}")
    yield from _check_bounds(value, schema, at)
    yield from _check_form(value, schema, at)
    for position, item in enumerate(value if schema["type"] == "array" else ()):
        yield from _check(item, schema["items"], f"{at}.{position}")


def _check_bounds(value: Any, schema: Schema, at: str) -> Iterator[InvalidField]:
    if "minimum" in schema and value < schema["minimum"]:
        yield InvalidField("number_gte", at, f"Must be greater than or equal to {schema['minimum']}")
    if "maximum" in schema and value > schema["maximum"]:
        yield InvalidField("number_lte", at, f"Must be less than or equal to {schema['maximum']}")


def _check_form(value: Any, schema: Schema, at: str) -> Iterator[InvalidField]:
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        yield InvalidField("array_max_items", at, f"Array must have at most {schema['maxItems']} items")
    if schema.get("format") == "uri" and not _is_uri(value):
        yield InvalidField("format", at, "Does not match format 'uri'")
    if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
        yield InvalidField("pattern", at, f"Does not match pattern '^{schema['pattern']}$'")


def _is_uri(value: str) -> bool:
    if value.startswith("data:"):
        return "," in value
    try:
        parts = urlsplit(value)
    except ValueError:  # A bracket without its partner.
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and _URI_CHARACTERS.fullmatch(value) is not None


def _leaf(at: str) -> str:
    return at.rpartition(".")[2]


def _wrong_type(at: str, expected: str, value: Any) -> InvalidField:
    return InvalidField("invalid_type", at, f"Invalid type. Expected: {expected}, given: {_type_name(value)}")


def _type_name(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "object", list: "array", str: "string", int: "integer", float: "number"}
    return names.get(type(value), "null")


_TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}
