"""Prompt experiments, read from `experiments.json`: variants of a template, tried side by side.

An assignment is a matter of arithmetic and is stored nowhere before it is used: the same unit gets the same variant
on every host, for as long as the experiment's key and weights stay the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Any
from uuid import UUID

from statemachine.vocabulary import Kind


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of a template, and its weight among the others."""

    name: str
    weight: int


@dataclass(frozen=True, slots=True)
class Experiment:
    """Variants of the template of one kind and model family."""

    key: str
    description: str
    kind: Kind
    family: str
    variants: tuple[Variant, ...]

    def variant_for(self, unit: UUID) -> str:
        """Return the variant of a unit: as many units get each as its weight says."""
        digest = hashlib.sha256(f"{self.key}:{unit}".encode()).digest()
        point = int.from_bytes(digest[:8], "big") % sum(variant.weight for variant in self.variants)
        ends = accumulate(variant.weight for variant in self.variants)
        return next(variant.name for variant, end in zip(self.variants, ends, strict=True) if point < end)


def experiment_on(experiments: Iterable[Experiment], kind: Kind, family: str) -> Experiment | None:
    """Return what is being tried on a kind and a model family, or None."""
    return next((each for each in experiments if (each.kind, each.family) == (kind, family)), None)


@cache
def experiments() -> tuple[Experiment, ...]:
    """Return every running experiment; at most one for each kind and family."""
    records = json.loads((files("jobs.catalogue") / "experiments.json").read_text(encoding="utf-8"))
    return tuple(_experiment(record) for record in records)


def _experiment(record: dict[str, Any]) -> Experiment:
    variants = tuple(Variant(**variant) for variant in record["variants"])
    return Experiment(**{**record, "kind": Kind(record["kind"]), "variants": variants})
