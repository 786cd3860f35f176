"""Operations that the schema alone is enough to write: one field, the place under test, and all that is selected."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

from tests.schema.documents import new_key
from tests.schema.isolation.examples import What, is_text, takes
from tests.schema.isolation.places import Place

_ROOTS = ("Query", "Mutation", "Subscription")
NODES = {
    "Account": What.ACCOUNT,
    "Asset": What.SELFIE,
    "Batch": What.BATCH,
    "Deletion": What.DELETION,
    "Job": What.JOB,
    "Redrive": What.REDRIVE,
    "Session": What.SESSION,
    "Story": What.STORY,
    "WebhookEndpoint": What.ENDPOINT,
}
# Values that the service accepts, where one of the right type is not enough.
_VALUES: dict[str, Any] = {
    "contentType": "image/png",
    "from": "2026-01-01T00:00:00Z",
    "to": "2026-01-02T00:00:00Z",
    "theme": "neon-city",
    "url": "https://127.0.0.1/",
    "overlapSeconds": 3600,
}
# Nothing is made without it.
_FILLED = ("scenes",)
# What a place needs beside it.
_BESIDE = {
    "Subscription.generationProgress.after": {"jobId": What.JOB},
    "Subscription.jobActivity.filter": {"after": What.ACTIVITY_CURSOR},
}


@dataclass(frozen=True)
class Operation:
    """A document, and its variables without the one value under test."""

    document: str
    variables: Any

    def naming(self, given: str) -> dict[str, Any]:
        """Return the variables with a value in the place under test, and a new key unless that is the place."""
        written = json.dumps(self.variables).replace('"$KEY"', json.dumps(new_key()))
        found: dict[str, Any] = json.loads(written.replace('"$GIVEN"', json.dumps(given)))
        return found


@dataclass(frozen=True)
class Writer:
    """Writes the operations of one schema."""

    schema: GraphQLSchema

    def operation(self, place: Place, mine: Mapping[What, str], depth: int = 1) -> Operation:
        """Return the operation that gives a value in a place; whatever else it needs is the caller's own.

        A place without an argument is the field with as few as possible.
        """
        parent = self._object(place.parent)
        field = parent.fields[place.field]
        values = self._arguments(place, field, mine)
        types = {name: field.args[name].type for name in values}
        given = ", ".join(f"{name}: ${name}" for name in values)
        inner = f"{place.field}{f'({given})' if given else ''} {self.selection(field.type, depth)}"
        declared = [f"${name}: {type_}" for name, type_ in types.items()]
        if place.parent in _ROOTS:
            variables = f"({', '.join(declared)})" if declared else ""
            return Operation(f"{place.parent.lower()} {variables} {{ {inner} }}", values)
        values["me"] = mine[NODES[place.parent]]
        declared.append("$me: ID!")
        return Operation(
            f"query ({', '.join(declared)}) {{ node(id: $me) {{ ... on {parent.name} {{ {inner} }} }} }}", values
        )

    def _object(self, name: str) -> GraphQLObjectType:
        found = self.schema.type_map[name]
        assert isinstance(found, GraphQLObjectType)
        return found

    def _arguments(self, place: Place, field: GraphQLField, mine: Mapping[What, str]) -> dict[str, Any]:
        beside = _BESIDE.get(f"{place.parent}.{place.field}.{place.argument}", {})
        values: dict[str, Any] = {}
        for name, argument in field.args.items():
            if name == place.argument:
                values[name] = self._value(argument.type, name, place.inside, mine, is_place=True)
            elif name in beside:
                values[name] = mine[beside[name]]
            elif is_required_argument(argument):
                values[name] = self._value(argument.type, name, (), mine, within=f"{place.parent}.{place.field}")
        if "first" in field.args and not {"first", "last"} & set(values):
            values["last" if place.argument == "before" else "first"] = 5
        return values

    def _value(
        self,
        type_: GraphQLInputType,
        name: str,
        inside: tuple[str, ...],
        mine: Mapping[What, str],
        *,
        is_place: bool = False,
        within: str = "",
    ) -> Any:
        """Return a value of a type: with the place under test in it, or else with as little as possible."""
        bare = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(bare, GraphQLList):
            return [self._value(bare.of_type, name, inside, mine, is_place=is_place, within=within)]
        if isinstance(bare, GraphQLInputObjectType):
            return {
                each: self._value(
                    field.type, each, inside[1:], mine, is_place=is_place and inside[:1] == (each,), within=bare.name
                )
                for each, field in bare.fields.items()
                if is_required_input_field(field) or (is_place and inside[:1] == (each,)) or each in _FILLED
            }
        return "$GIVEN" if is_place else self._filled(bare, name, within, mine)

    def _filled(self, type_: Any, name: str, within: str, mine: Mapping[What, str]) -> Any:
        if isinstance(type_, GraphQLEnumType):
            return next(iter(type_.values))
        if name == "idempotencyKey":
            return "$KEY"
        if name in _VALUES:
            return _VALUES[name]
        if type_.name in ("ID", "String"):
            wanted = Place("", "", "", (), f"{within}.{name}")
            return "some words" if is_text(wanted) else mine[takes(wanted)[0]]
        return {"Int": 5, "BigInt": 5, "Boolean": False, "JSON": {}}[type_.name]

    def selection(self, type_: GraphQLOutputType, depth: int) -> str:
        """Return a selection of everything to some depth, except lists that must be paged; empty for a leaf."""
        named: Any = get_named_type(type_)
        if is_leaf_type(named):
            return ""
        return f"{{ __typename {' '.join(self._selected(named, depth))} }}"

    def _selected(self, named: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> Iterator[str]:
        for name, field in named.fields.items():
            wanted: Any = get_named_type(field.type)
            if any(is_required_argument(each) for each in field.args.values()):
                continue
            if is_leaf_type(wanted):
                yield name
            elif "first" not in field.args and (depth or _is_of_list(named.name)):
                yield f"{name} {self.selection(field.type, depth - (not _is_of_list(named.name)))}"
        if isinstance(named, GraphQLInterfaceType):
            yield from self._of_one_kind(named)

    def _of_one_kind(self, named: GraphQLInterfaceType) -> Iterator[str]:
        """Yield what one kind alone has: another may have a field of the same name and another type."""
        kinds = self.schema.get_implementations(named).objects
        names = Counter(name for each in kinds for name in each.fields)
        for each in kinds:
            own = [name for name, field in each.fields.items() if names[name] == 1 and _is_plain(field)]
            if own:
                yield f"... on {each.name} {{ {' '.join(own)} }}"


def _is_plain(field: GraphQLField) -> bool:
    return is_leaf_type(get_named_type(field.type)) and not any(
        is_required_argument(each) for each in field.args.values()
    )


def _is_of_list(name: str) -> bool:
    return name.endswith(("Connection", "Edge"))
