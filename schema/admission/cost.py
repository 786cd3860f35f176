"""Query cost: the depth of a document, its aliases, and the number of fields its response could have.

Everything is computed once for each fragment, so the time grows with the length of the document and not with
what its fragments expand to. Repetitions are counted before validation, whose own rule compares each selection with
each other of the same name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    NamedTypeNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from graphql.type import GraphQLNamedType
from strawberry.schema.schema_converter import GraphQLCoreConverter

from schema.fields import ROWS

# A list without a page size has few rows, unless it declares more: attempts, or the types of an introspection.
_ROWS_OF_A_LIST = 5
_PAGE_SIZES = ("first", "last")


@dataclass(frozen=True, slots=True)
class QueryCost:
    """The cost of a selection set: the levels below it, and the fields that its part of the response could have."""

    depth: int = 0
    fields: int = 0


class CostMeter:
    """Computes the cost of a valid document's operations with the variables of one request."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._variables = variables
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._measured: dict[str, QueryCost] = {}

    def cost_of(self, operation: OperationDefinitionNode) -> QueryCost:
        """Return the cost of an operation."""
        defaults = {
            node.variable.name.value: int(node.default_value.value)
            for node in operation.variable_definitions or ()
            # An id may be written as a number, too, and be longer than Python reads; no page size is.
            if isinstance(node.default_value, IntValueNode) and len(node.default_value.value) < 20
        }
        self._variables = {**defaults, **self._variables}
        return self._selections(operation.selection_set, self._schema.get_root_type(operation.operation))

    def _selections(self, selections: SelectionSetNode, parent: GraphQLNamedType | None) -> QueryCost:
        depth = fields = 0
        for node in selections.selections:
            cost = self._one(node, parent)
            depth, fields = max(depth, cost.depth), fields + cost.fields
        return QueryCost(depth, fields)

    def _one(self, node: Any, parent: GraphQLNamedType | None) -> QueryCost:
        if isinstance(node, FieldNode):
            return self._field(node, parent)
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        inline: InlineFragmentNode = node
        return self._selections(inline.selection_set, self._type(inline.type_condition) or parent)

    def _fragment(self, name: str) -> QueryCost:
        if name not in self._measured:
            fragment = self._fragments[name]
            self._measured[name] = self._selections(fragment.selection_set, self._type(fragment.type_condition))
        return self._measured[name]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> QueryCost:
        if node.selection_set is None:
            return QueryCost(1, 1)
        field = self._schema.get_field(parent, node.name.value) if parent else None  # type: ignore[arg-type]
        below = self._selections(node.selection_set, get_named_type(field.type) if field else None)
        return QueryCost(below.depth + 1, 1 + below.fields * self._rows(node, field))

    def _rows(self, node: FieldNode, field: GraphQLField | None) -> int:
        """Return how many rows a field may return: its page size, a few for a plain list, else one.

        Where both are given, the larger one counts: which of them is null only the resolver sees.
        """
        sizes = [self._size(node, name, field.args[name]) for name in _PAGE_SIZES if field and name in field.args]
        if sizes:
            return max(1, *sizes)
        # The edges of a connection are counted by the page size of the field above.
        is_plain_list = field is not None and is_list_type(get_nullable_type(field.type)) and node.name.value != "edges"
        return _declared_rows(field) if field and is_plain_list else 1

    def _size(self, node: FieldNode, name: str, declared: GraphQLArgument) -> int:
        """Return the page size that an argument gives, by itself or by its default; 0 for none."""
        value: Any = next((each.value for each in node.arguments or () if each.name.value == name), None)
        if isinstance(value, IntValueNode):
            return int(value.value)
        given = self._variables.get(value.name.value) if isinstance(value, VariableNode) else None
        if given is None and not isinstance(value, NullValueNode):
            given = declared.default_value
        return int(given) if isinstance(given, int | float) and isfinite(given) else 0

    def _type(self, condition: NamedTypeNode | None) -> GraphQLNamedType | None:
        return None if condition is None else self._schema.get_type(condition.name.value)


def _declared_rows(field: GraphQLField) -> int:
    """Return how many rows a plain list may have, as it declares itself."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return int(definition.metadata.get(ROWS, _ROWS_OF_A_LIST)) if definition is not None else _ROWS_OF_A_LIST


@dataclass(frozen=True, slots=True)
class DocumentShape:
    """Counts from the text of a document: its aliases, and the most selections of one name in one selection set."""

    aliases: int
    repetitions: int


def shape_of(document: DocumentNode) -> DocumentShape:
    """Return what the text of a document shows. It need not be valid."""
    aliases = repetitions = 0
    waiting = [node.selection_set for node in document.definitions if isinstance(node, _WITH_SELECTIONS)]
    while waiting:
        names: Counter[str] = Counter()
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                aliases += node.alias is not None
                names[(node.alias or node.name).value] += 1
            below = getattr(node, "selection_set", None)
            if below is not None:
                waiting.append(below)
        repetitions = max(repetitions, *names.values(), 0)
    return DocumentShape(aliases, repetitions)


def root_names(document: DocumentNode) -> set[str]:
    """Return the names of the fields that the operations of a valid document select at their roots."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    waiting = [node.selection_set for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    names: set[str] = set()
    spread: set[str] = set()
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                names.add(node.name.value)
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                waiting.append(fragments[node.name.value].selection_set)
    return names


_WITH_SELECTIONS = (OperationDefinitionNode, FragmentDefinitionNode)
