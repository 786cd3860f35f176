"""Every definition of the schema says what a caller needs to know of it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    is_introspection_type,
    is_specified_scalar_type,
)

from schema.build import build_schema
from schema.enum_values import describe
from schema.runtime import ApiSettings


def _definitions(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Yield the path and the description of each definition; GraphQL's own are its own matter."""
    for name, type_ in schema.type_map.items():
        if not (is_introspection_type(type_) or is_specified_scalar_type(type_)):
            yield name, type_.description
            yield from _parts(type_)


def _parts(type_: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    match type_:
        case GraphQLEnumType(values=values):
            yield from ((f"{type_.name}.{name}", value.description) for name, value in values.items())
        case GraphQLInputObjectType(fields=inputs):
            yield from ((f"{type_.name}.{name}", each.description) for name, each in inputs.items())
        case GraphQLObjectType(fields=fields) | GraphQLInterfaceType(fields=fields):
            for name, field in fields.items():
                yield f"{type_.name}.{name}", field.description
                yield from ((f"{type_.name}.{name}({each}:)", arg.description) for each, arg in field.args.items())


def test_every_definition_has_a_description_that_ends_with_a_full_stop() -> None:
    found = list(_definitions(build_schema(ApiSettings())._schema))
    assert len(found) > 500
    assert not [path for path, words in found if not (words or "").endswith(".")]


class Fruit(Enum):
    APPLE = "apple"
    PEAR = "pear"


class Other(Enum):
    PLUM = "plum"


@pytest.mark.parametrize(
    "values", [{Fruit.APPLE: "Red."}, {Fruit.APPLE: "Red.", Fruit.PEAR: "Green.", Other.PLUM: "Blue."}]
)
def test_an_enum_without_exactly_its_members_described_is_refused(values: dict[Fruit, str]) -> None:
    with pytest.raises(ValueError, match="the descriptions of Fruit"):
        describe(Fruit, "A fruit.", values)
