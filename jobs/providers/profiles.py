"""Model profiles: each model's inputs, outputs and prices, read from `profiles.json`: a new model is data.

A record lists its differences from an earlier one, named by `like`. The first price whose `when` matches the inputs
applies. `quality` is always sent: without it, a model uses `auto` and bills its highest price.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from statemachine.vocabulary import Kind


@dataclass(frozen=True, slots=True)
class Output:
    """A model's output: a `list` of URLs or `one`, and the size of each kind of picture.

    The sizes of a video are those of a 16:9 first frame. No file of the model is larger than `bytes_max`.
    """

    shape: str
    sizes_px: Mapping[Kind, tuple[int, int]]
    frames_per_second: int | None
    bytes_max: int


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one output, in micro-US-dollars, if the inputs match `when`."""

    when: Mapping[str, Any]
    micros: int


@dataclass(frozen=True, slots=True)
class Profile:
    """One model. `inputs` maps our inputs (prompt, image, token, secret) to the model's own input names.

    `fixed` are inputs that are always sent; `by_kind` those of each kind. `durations_s` are the lengths it makes, empty
    for pictures, and `duration_input` the input that chooses one, None if there is no choice. `secret` names the
    setting with a key that is sent as an input. From the day `ends` on, the model is not used. A model's limits on
    picture size and shape are not listed: it receives only pictures that we have resized.
    """

    model: str
    kinds: tuple[Kind, ...]
    inputs: Mapping[str, str]
    fixed: Mapping[str, Any]
    by_kind: Mapping[str, Mapping[str, Any]]
    durations_s: tuple[int, ...]
    duration_input: str | None
    prompt_characters_max: int
    output: Output
    prices: tuple[Price, ...]
    typical_s: float
    cancel_after_s: int
    prompt_family: str
    secret: str | None
    ends: date | None

    @property
    def cancel_after(self) -> timedelta:
        """Return the time after which the provider itself ends a prediction."""
        return timedelta(seconds=self.cancel_after_s)

    @property
    def output_bytes_max(self) -> int:
        """Return the largest size of any output of the model."""
        return self.output.bytes_max

    def constants(self, kind: Kind, duration_s: int | None) -> dict[str, Any]:
        """Return the inputs that are the same for every job of this kind and length."""
        length = {self.duration_input: duration_s} if self.duration_input else {}
        return {**self.fixed, **self.by_kind[kind], **length}

    def price(self, kind: Kind, duration_s: int | None) -> int:
        """Return the price of one output, in micro-US-dollars."""
        sent = self.constants(kind, duration_s)
        return next(
            price.micros for price in self.prices if all(sent.get(name) == value for name, value in price.when.items())
        )


@cache
def profiles() -> Mapping[str, Profile]:
    """Return every known profile by its model's name."""
    records: dict[str, dict[str, Any]] = {}
    for record in json.loads((files("jobs.providers") / "profiles.json").read_text(encoding="utf-8")):
        like = records[record.pop("like")] if "like" in record else {}
        records[record["model"]] = {**like, **record}
    return MappingProxyType({model: _profile(record) for model, record in records.items()})


def _profile(record: dict[str, Any]) -> Profile:
    output = record["output"]
    sizes = {Kind(kind): (width, height) for kind, (width, height) in output["sizes_px"].items()}
    values = {
        **record,
        "kinds": tuple(Kind(kind) for kind in record["kinds"]),
        "durations_s": tuple(record["durations_s"]),
        "output": Output(**{**output, "sizes_px": sizes}),
        "prices": tuple(Price(**price) for price in record["prices"]),
        "ends": date.fromisoformat(record["ends"]) if record["ends"] else None,
    }
    return Profile(**values)
