"""The OpenAPI document of a model, in Replicate's form: each input with choices has its own schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OUTPUTS: dict[str, dict[str, Any]] = {
    "images": {"type": "array", "items": {"type": "string", "format": "uri"}, "title": "Output"},
    "video": {"type": "string", "title": "Output", "format": "uri"},
    "text": {"type": "string", "title": "Output"},
}


def openapi(properties: Mapping[str, Mapping[str, Any]], required: tuple[str, ...], kind: str) -> dict[str, Any]:
    """Return the document with `Input`, `Output` and one schema for each input that has choices."""
    schemas: dict[str, Any] = {"Input": _input(properties, required), "Output": _OUTPUTS[kind]}
    schemas |= {name: _choices(name, each) for name, each in properties.items() if "enum" in each}
    return {
        "openapi": "3.0.2",
        "info": {"title": "Cog", "version": "0.1.0"},
        "paths": {},
        "components": {"schemas": schemas},
    }


def _input(properties: Mapping[str, Mapping[str, Any]], required: tuple[str, ...]) -> dict[str, Any]:
    described = {name: _property(name, each, at) for at, (name, each) in enumerate(properties.items())}
    return {"type": "object", "title": "Input", "required": list(required), "properties": described}


def _property(name: str, described: Mapping[str, Any], position: int) -> dict[str, Any]:
    if "enum" not in described:
        return {"title": name.replace("_", " ").capitalize(), "x-order": position, **described}
    rest = {key: value for key, value in described.items() if key in ("default", "description", "nullable")}
    return {"allOf": [{"$ref": f"#/components/schemas/{name}"}], "x-order": position, **rest}


def _choices(name: str, described: Mapping[str, Any]) -> dict[str, Any]:
    kept = {"type": described["type"], "enum": described["enum"]}
    return {"title": name, "description": "An enumeration.", **kept}
