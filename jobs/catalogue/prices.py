"""Prices of generations in credits, read from `prices.json`: a new price is data, not code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from statemachine.vocabulary import Kind


def price_of(kind: Kind, tier: str, duration_s: int | None = None) -> int:
    """Return the credits that a generation costs; raise LookupError where none is set for it."""
    try:
        return prices()[kind, tier, duration_s]
    except KeyError:
        raise LookupError(f"prices.json has no price for {kind} of {duration_s} s in the {tier} tier") from None


@cache
def prices() -> Mapping[tuple[Kind, str, int | None], int]:
    """Return every price by kind, tier and duration in seconds; the duration is None for pictures."""
    records = json.loads((files("jobs.catalogue") / "prices.json").read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            (Kind(record["kind"]), tier, record.get("duration_s")): credits
            for record in records
            for tier, credits in record["credits"].items()
        }
    )
