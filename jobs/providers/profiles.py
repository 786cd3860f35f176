"""Model profiles: what each model takes, returns and costs, read from `profiles.json`: a new model is data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from statemachine.states import Kind


@dataclass(frozen=True, slots=True)
class Profile:
    """One model. `inputs` maps what we know (prompt, image, token, secret) to the model's own input names.

    `fixed` are inputs that are always sent; `sizes` what is sent a kind. Prices in micro-US-dollars an output, a
    duration in seconds each where it matters. `secret` names the setting that holds a key which travels in the input.
    """

    model: str
    kinds: tuple[Kind, ...]
    inputs: Mapping[str, str]
    fixed: Mapping[str, Any]
    by_kind: Mapping[str, Mapping[str, Any]]
    durations_s: tuple[int, ...]
    duration_input: str | None
    price_micros: Mapping[str, int]
    typical_s: float
    cancel_after_s: int
    output_bytes_max: int
    prompt_family: str
    secret: str | None
    ends: date | None

    @property
    def cancel_after(self) -> timedelta:
        """After how long the provider itself ends a prediction."""
        return timedelta(seconds=self.cancel_after_s)

    def price(self, duration_s: int | None) -> int:
        """Return what one output costs, in micro-US-dollars."""
        return self.price_micros.get(str(duration_s), self.price_micros["each"])


@cache
def profiles() -> Mapping[str, Profile]:
    """Return every known profile by its model's name."""
    records = json.loads((files("jobs.providers") / "profiles.json").read_text(encoding="utf-8"))
    return MappingProxyType({record["model"]: _profile(record) for record in records})


def _profile(record: dict[str, Any]) -> Profile:
    values = dict(record)
    values["kinds"] = tuple(Kind(kind) for kind in record["kinds"])
    values["durations_s"] = tuple(record["durations_s"])
    values["ends"] = date.fromisoformat(record["ends"]) if record["ends"] else None
    return Profile(**values)
