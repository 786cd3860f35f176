"""Drift: disagreement between a model's live schema and what our profile sends.

Providers change schemas without notice. The comparison is pure; `live_schema` reads the live side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from jobs.providers.profiles import Profile

_REQUEST_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Drift:
    """One field in which a model disagrees with its profile."""

    model: str
    field: str
    problem: str


class SchemaUnknown(Exception):
    """The live schema cannot be read. The message gives the reason in one line."""


def live_schema(client: httpx.Client, model: str) -> Mapping[str, Any]:
    """Return the OpenAPI document of a model's newest version, or raise SchemaUnknown.

    `client` has the provider's address and credentials.
    """
    try:
        response = client.get(f"/v1/models/{model}", timeout=_REQUEST_TIMEOUT_S)
    except httpx.HTTPError as error:
        raise SchemaUnknown(f"the provider cannot be reached: {type(error).__name__}") from None
    if response.status_code == 404:
        raise SchemaUnknown("the provider has no such model")
    if response.status_code != 200:
        raise SchemaUnknown(f"the provider returned HTTP {response.status_code}")
    try:
        document = response.json()["latest_version"]["openapi_schema"]
    except (ValueError, KeyError, TypeError):
        raise SchemaUnknown("the provider does not publish the model's schema") from None
    if not isinstance(document, dict):
        raise SchemaUnknown("the provider does not publish the model's schema")
    return document


def drift_of(profile: Profile, document: Mapping[str, Any]) -> list[Drift]:
    """Return every field in which a live schema disagrees with a profile, in the order of what is sent."""
    schemas = document.get("components", {}).get("schemas", {})
    inputs = schemas.get("Input", {})
    return [
        Drift(profile.model, name, problem)
        for name, problem in (
            *_input_problems(profile, inputs.get("properties", {}), schemas),
            *_missing(profile, inputs.get("required", ())),
            *_output_problems(profile, schemas.get("Output", {})),
        )
    ]


def _sent(profile: Profile) -> dict[str, list[Any]]:
    """Return every input we send with its possible values; an empty list for inputs that differ from job to job."""
    sent: dict[str, list[Any]] = {name: [] for name in _of_each_job(profile)}
    for kind in profile.kinds:
        for duration_s in profile.durations_s or (None,):
            for name, value in profile.constants(kind, duration_s).items():
                if value not in sent.setdefault(name, []):
                    sent[name].append(value)
    return sent


def _of_each_job(profile: Profile) -> list[str]:
    return [name for what, name in profile.inputs.items() if what != "secret" or profile.secret is not None]


def _input_problems(
    profile: Profile, properties: Mapping[str, Any], schemas: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for name, values in _sent(profile).items():
        if name not in properties:
            yield name, "we send it, and the model no longer takes it"
            continue
        choices = _choices(properties[name], schemas)
        for value in values:
            if choices is not None and value not in choices:
                yield name, f"we send {value!r}, and the model takes {', '.join(map(repr, choices))}"


def _missing(profile: Profile, required: Any) -> Iterator[tuple[str, str]]:
    for name in required:
        if name not in _sent(profile):
            yield name, "the model needs it, and we do not send it"


def _output_problems(profile: Profile, output: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    shape = "list" if output.get("type") == "array" else "one"
    if output and shape != profile.output.shape:
        yield "output", f"the model returns {shape}, and we expect {profile.output.shape}"


def _choices(described: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[Any] | None:
    """Return the values an input may have, or None if any will do. Choices live in schemas of their own."""
    if "enum" in described:
        return list(described["enum"])
    parts = [described, *described.get("allOf", ()), *described.get("anyOf", ())]
    for part in parts:
        name = str(part.get("$ref", "")).rpartition("/")[2]
        if "enum" in schemas.get(name, {}):
            return list(schemas[name]["enum"])
    return None
