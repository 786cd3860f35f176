"""The places of the schema that take text: arguments, and the fields of inputs, at any depth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_introspection_type,
    is_leaf_type,
)

# Enums and numbers name nothing of anyone's, and neither do the other scalars.
_TEXTS = ("ID", "String")


@dataclass(frozen=True)
class Place:
    """A value that a caller gives: to which field, in which argument, and how deep in it."""

    parent: str
    field: str
    argument: str
    inside: tuple[str, ...]
    # The type that declares it and its name there, or the field and the argument.
    coordinate: str

    @property
    def name(self) -> str:
        return self.coordinate.rpartition(".")[2]

    def __str__(self) -> str:
        return ".".join(each for each in (self.parent, self.field, self.argument, *self.inside) if each)


def places_of(schema: GraphQLSchema) -> list[Place]:
    """Return every place of a schema, those of queries first and those of mutations last."""
    objects = [each for each in schema.type_map.values() if isinstance(each, GraphQLObjectType)]
    found = [
        place
        for parent in objects
        if not is_introspection_type(parent)
        for name, field in parent.fields.items()
        for place in _of_field(parent, name, field)
    ]
    return sorted(found, key=lambda place: place.parent == "Mutation")


def readings_of(schema: GraphQLSchema, parents: Iterable[str]) -> list[Place]:
    """Return the fields of some types that lead to objects, each as a place without an argument."""
    objects = [(name, type_) for name, type_ in schema.type_map.items() if name in parents]
    return [
        Place(name, field, "", (), "")
        for name, type_ in objects
        if isinstance(type_, GraphQLObjectType)
        for field, each in type_.fields.items()
        if not is_leaf_type(get_named_type(each.type))
    ]


def _of_field(parent: GraphQLObjectType, name: str, field: GraphQLField) -> Iterator[Place]:
    for argument, given in field.args.items():
        for inside, coordinate in _within(given.type, (), f"{parent.name}.{name}.{argument}"):
            yield Place(parent.name, name, argument, inside, coordinate)


def _within(type_: GraphQLInputType, inside: tuple[str, ...], here: str) -> Iterator[tuple[tuple[str, ...], str]]:
    named = get_named_type(type_)
    if isinstance(named, GraphQLInputObjectType):
        for name, field in named.fields.items():
            yield from _within(field.type, (*inside, name), f"{named.name}.{name}")
    elif named.name in _TEXTS:
        yield inside, here
