"""Enums of the API: Strawberry's, each of whose values has a description."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar, cast

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

E = TypeVar("E", bound=Enum)


def describe(enum: type[E], description: str, values: Mapping[E, str], *, name: str | None = None) -> None:
    """Mark an enum in place as one of the API, with a description of it and of each value.

    Raises ValueError unless `values` has exactly the members of the enum.
    """
    if wrong := set(values).symmetric_difference(enum):
        raise ValueError(f"the descriptions of {enum.__name__} are not those of its members: {sorted(map(str, wrong))}")
    strawberry.enum(enum, name=name, description=description)
    definition = cast("StrawberryEnumDefinition", vars(enum)["__strawberry_definition__"])
    for value in definition.values:
        value.description = values[enum[value.name]]
