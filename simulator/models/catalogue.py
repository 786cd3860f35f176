"""Reads the JSON files of the catalogue as models that can be found, priced and timed."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from simulator.models import schemas

Input = Mapping[str, Any]
LATEST_VERSION_AT = "2026-10-01T09:00:00Z"
"""The creation time of every version in the catalogue."""


@dataclass(frozen=True)
class Model:
    """One model: its inputs, its output, its timing and its price."""

    owner: str
    name: str
    official: bool
    description: str
    version: str
    properties: Mapping[str, Mapping[str, Any]]
    required: tuple[str, ...]
    output: Mapping[str, Any]
    price: Mapping[str, Any]
    timing: Mapping[str, Any]
    logs: Mapping[str, str]
    refuse: tuple[Mapping[str, Any], ...] = ()
    prompt_limit_chars: int | None = None
    picture: Mapping[str, Any] | None = None
    """The rules for an input picture; the model fails on others."""

    @property
    def path(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def kind(self) -> str:
        """`images` (a list of URIs), `video` (one URI) or `text`."""
        return str(self.output["kind"])

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """The default values of the inputs that have one."""
        return {name: each["default"] for name, each in self.properties.items() if "default" in each}

    @cached_property
    def openapi_schema(self) -> dict[str, Any]:
        """The document under `latest_version.openapi_schema`."""
        return schemas.openapi(self.properties, self.required, self.kind)

    def completed(self, given: Input) -> dict[str, Any]:
        """Return the input with defaults filled in."""
        return {**self.defaults, **given}

    def count(self, given: Input) -> int:
        """Return the number of outputs that this input requests."""
        return int(self.completed(given).get(self.output.get("count_input", ""), 1))

    def price_usd(self, given: Input) -> float:
        """Return the price of a finished prediction with this input."""
        row = _first_match(self.price["rows"], self.completed(given))
        units = self.count(given) if self.price["per"] == "image" else 1
        return float(row["usd"]) * units if row else 0.0

    def refusal(self, given: Input) -> str | None:
        """Return the error that the model fails with on this combination of inputs, or None."""
        row = _first_match(self.refuse, self.completed(given))
        return str(row["error"]) if row else None

    def draw_queue_s(self, rng: random.Random) -> float:
        """Draw the seconds that a prediction stays in `starting`, at speed 1."""
        shortest, longest = self.timing["queue_s"]
        return rng.uniform(shortest, longest)

    def draw_run_s(self, rng: random.Random) -> float:
        """Draw the seconds that a prediction runs at speed 1: log-normal around the median, within the limits seen."""
        run = self.timing["run_s"]
        drawn = run["median"] * math.exp(rng.gauss(0.0, run["spread"]))
        return float(min(max(drawn, run["min"]), run["max"]))


def _first_match(rows: Iterable[Mapping[str, Any]], given: Input) -> Mapping[str, Any] | None:
    """Return the first row whose `when` matches the input."""
    for row in rows:
        if all(given.get(name) == value for name, value in row["when"].items()):
            return row
    return None


class Catalogue:
    """All models, by path and by version."""

    def __init__(self, models: Iterable[Model]) -> None:
        self.by_path = {model.path: model for model in models}
        self.by_version = {model.version: model for model in self.by_path.values()}

    def __iter__(self) -> Any:
        return iter(self.by_path.values())

    def get(self, owner: str, name: str) -> Model | None:
        """Return the model with that name, or None."""
        return self.by_path.get(f"{owner}/{name}")

    def named_by(self, version: str) -> Model | None:
        """Return the model that a prediction's `version` names, or None.

        `owner/name` works for official models only; `owner/name:version` and the bare version work for all.
        """
        path, _, version_id = version.rpartition(":")
        if path:
            model = self.by_path.get(path)
            return model if model is not None and model.version == version_id else None
        if "/" in version:
            model = self.by_path.get(version)
            return model if model is not None and model.official else None
        return self.by_version.get(version)


def load(extra_files: Iterable[str] = ()) -> Catalogue:
    """Read the built-in files and then `extra_files`, whose models replace built-in ones of the same name."""
    folder = resources.files("simulator.models")
    built_in = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".json"))
    texts = [folder.joinpath(name).read_text("utf-8") for name in built_in]
    texts += [Path(name).read_text("utf-8") for name in extra_files]
    return Catalogue([model for text in texts for model in _read(json.loads(text))])


def _read(file: Mapping[str, Any]) -> list[Model]:
    return [_model(file, entry) for entry in file["models"]]


def _model(file: Mapping[str, Any], entry: Mapping[str, Any]) -> Model:
    path = f"{file['owner']}/{entry['name']}"
    output = entry["output"]
    return Model(
        owner=file["owner"],
        name=entry["name"],
        official=file["official"],
        description=entry["description"],
        version=entry.get("version") or hashlib.sha256(path.encode()).hexdigest(),
        properties={name: file["inputs"][pooled] for name, pooled in entry["inputs"].items()},
        required=tuple(entry["required"]),
        output=file["outputs"][output] if isinstance(output, str) else output,
        price=entry["price"],
        timing=entry["timing"],
        logs=entry["logs"],
        refuse=tuple(entry.get("refuse", ())),
        prompt_limit_chars=entry.get("prompt_limit_chars"),
        picture=entry.get("picture"),
    )
