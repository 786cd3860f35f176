"""Inputs of mutations, made from the schema alone: mostly what works, sometimes what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    is_required_input_field,
)

from tests.schema.isolation.examples import What, is_text, takes
from tests.schema.isolation.places import Place
from tests.schema.machine.parties import Party
from tests.schema.machine.things import Things

# The first is the usual one.
VALUES: dict[str, tuple[Any, ...]] = {
    "amount": (7, 1, 0, -5, 2**63),
    "change": (9, -3, 0, -(10**6), 2**70),
    "atMost": (2, 1, 0),
    "contentType": ("image/jpeg", "image/png", "text/html"),
    "credits": (100, 10_000, None, -1),
    "creditsPerDay": (100_000, 20, 0, None, -1),
    "description": ("some words", ""),
    "durationSeconds": (6, 10, 7),
    "expiresInSeconds": (3600, 60, 1, 10**9),
    "name": ("a name", "a" * 300, ""),
    "overlapSeconds": (3600, 0, -1),
    "perMinute": (600, 1, 0),
    "priority": (0, 3, 11, -11),
    "reason": ("some words", "", "x" * 3000),
    "theme": ("neon-city", "no-such-theme"),
    # A request that waits would only take longer.
    "waitSeconds": (0,),
}
_JSON: tuple[dict[str, Any], ...] = ({}, {"order": "7"}, {"deep": [{"er": None}]})
# What is drawn together with others, or narrows a choice too much, is mostly left out.
_RARE = {"onBehalfOf": 3, "account": 5, "accountId": 5, "sessionId": 6}
_ALWAYS = {"userRef"}

Pick = Callable[[int], int]


@dataclass(frozen=True)
class Inputs:
    """Writes inputs for one party; `pick(n)` draws a number below n."""

    things: Things
    party: Party
    pick: Pick
    address: str

    def of(self, type_: GraphQLInputObjectType) -> dict[str, Any]:
        """Return an input; what is optional is sometimes left out."""
        return {
            name: self._value(field.type, name, type_.name)
            for name, field in type_.fields.items()
            if is_required_input_field(field) or self._wants(name, type_.name)
        }

    def _wants(self, name: str, within: str) -> bool:
        if within == "JobFilter":
            return self.pick(16) == 0
        if name in _RARE:
            return self.pick(10) < (_RARE[name] if self.party.role != "session" else 1)
        return name in _ALWAYS or self.pick(2) == 0

    def _value(self, type_: GraphQLInputType, name: str, within: str) -> Any:
        bare = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(bare, GraphQLList):
            return [self._value(bare.of_type, name, within) for _ in range(self.pick(3))]
        if isinstance(bare, GraphQLInputObjectType):
            return self.of(bare)
        if isinstance(bare, GraphQLEnumType):
            return list(bare.values)[self.pick(len(bare.values))]
        return self._leaf(bare.name, name, within)

    def _leaf(self, type_: str, name: str, within: str) -> Any:
        if name in VALUES and not (name == "theme" and type_ != "ID"):
            return self._mostly_first(VALUES[name])
        if name == "idempotencyKey":
            return f"order {self.pick(100)}"
        if name == "url":
            addresses = (self.address, "https://127.0.0.1.invalid/", "https://10.0.0.1/", "ftp://x")
            return addresses[self.pick(4)] if self.pick(2) else addresses[within.startswith("Create")]
        if type_ in ("ID", "String"):
            return self._text(name, within)
        return {
            "Int": self.pick(9) - 1,
            "BigInt": self.pick(50) - 1,
            "Boolean": self.pick(2) == 0,
            "JSON": _JSON[self.pick(len(_JSON))],
            "DateTime": f"202{self.pick(9)}-01-01T00:00:00Z",
        }[type_]

    def _text(self, name: str, within: str) -> str:
        place = Place("", "", "", (), f"{within}.{name}")
        if is_text(place):
            return str(self._mostly_first(("some words", "", "two\nlines 😀")))
        kinds = takes(place)
        if What.USER_REF in kinds:
            return ("ada", "bob", "eve", "")[self.pick(12) % 4 if self.pick(2) else 0]
        return self.things.draw(kinds, self.party, self.pick)

    def _mostly_first(self, values: tuple[Any, ...]) -> Any:
        return values[0] if self.pick(4) else values[self.pick(len(values))]
