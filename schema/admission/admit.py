"""Admission of operations: limits on parsing, validation, and the cost of running them.

One extension does all of it. Admitted documents are remembered by their text, so a client that sends the same one again
pays neither for parsing nor for validation, only for computing its cost with the new variables.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, cast

from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    StringValueNode,
    ValidationRule,
    specified_rules,
    validate,
)
from graphql.utilities import get_operation_ast
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types.execution import ParseOptions

from schema.admission.cost import CostMeter, root_names, shape_of
from schema.admission.json_values import has_nul
from schema.context import Context
from schema.errors import (
    BAD_USER_INPUT,
    FORBIDDEN,
    TOO_COMPLEX,
    UNRESOLVED,
    VALIDATION_FAILED,
    ApiError,
    unauthenticated,
)
from schema.runtime import ApiSettings, Limits

_NUL = "Text must not contain the NUL character (U+0000)."


class NoNulRule(ValidationRule):
    """Refuses the one character that Postgres cannot store, in any text of a document."""

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        """Report a text with it."""
        if "\0" in node.value:
            self.report_error(GraphQLError(_NUL, node))


_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule, NoNulRule)
_ERRORS_MAX = 5
_REMEMBERED = 256


class AdmissionControl:
    """The limits and the admitted documents, shared by all requests."""

    def __init__(self, settings: ApiSettings) -> None:
        self.limits: Limits = settings.limits
        self.introspection = settings.development
        self._passed: OrderedDict[str, DocumentNode] = OrderedDict()

    @property
    def parse_options(self) -> dict[str, Any]:
        """Return the parser options that limit its work."""
        return {
            "max_tokens": self.limits.tokens,
            "max_source_length": self.limits.source_characters,
            "max_comments": self.limits.tokens,
        }

    def recall(self, source: str) -> DocumentNode | None:
        """Return the document of a text that was admitted before."""
        document = self._passed.get(source)
        if document is not None:
            self._passed.move_to_end(source)
        return document

    def remember(self, source: str, document: DocumentNode) -> None:
        """Keep an admitted document, in place of the least recently used one."""
        self._passed[source] = document
        if len(self._passed) > _REMEMBERED:
            self._passed.popitem(last=False)

    def refused_shape(self, document: DocumentNode) -> GraphQLError | None:
        """Return the error of a document whose text exceeds a limit, or None."""
        shape, limits = shape_of(document), self.limits
        if shape.aliases > limits.aliases:
            return _too_complex("aliases", shape.aliases, limits.aliases)
        if shape.repetitions > limits.repetitions:
            return _too_complex("selections of one name side by side", shape.repetitions, limits.repetitions)
        return None

    def refused_cost(self, meter: CostMeter, operation: OperationDefinitionNode) -> GraphQLError | None:
        """Return the error of an operation that would cost too much, or None."""
        cost, limits = meter.cost_of(operation), self.limits
        if cost.depth > limits.depth:
            return _too_complex("levels", cost.depth, limits.depth)
        if cost.fields > limits.fields:
            return _too_complex("fields in the response", cost.fields, limits.fields)
        return None


def _too_complex(what: str, found: int, allowed: int) -> ApiError:
    # A bomb's number of fields has hundreds of digits, which help no one.
    shown = str(found) if found < 10**9 else "more than 10^9"
    return ApiError(TOO_COMPLEX, f"This document has {shown} {what}; at most {allowed} are allowed.")


class Admission(SchemaExtension):
    """Admits an operation, or returns its errors."""

    def __init__(self, control: AdmissionControl) -> None:
        self._control = control
        self._recalled = False

    def on_operation(self) -> Iterator[None]:
        """Limit the parser."""
        self.execution_context.parse_options = cast("ParseOptions", self._control.parse_options)
        yield

    def on_parse(self) -> Iterator[None]:
        """Reuse an admitted document instead of parsing it again."""
        document = self._control.recall(self.execution_context.query or "")
        if document is not None:
            self.execution_context.graphql_document = document
            self._recalled = True
        yield

    def on_validate(self) -> Iterator[None]:
        """Validate each text once, and compute the cost of each operation with its variables."""
        context = self.execution_context
        # Everything is done here; Strawberry's own run would neither be bounded nor hide suggestions.
        context.validation_rules = ()
        errors = [] if self._recalled else self._validated()
        context.pre_execution_errors = errors or self._refused() or None
        yield

    def _validated(self) -> list[GraphQLError]:
        context, document = self.execution_context, self._document
        if refused := self._control.refused_shape(document):
            return [refused]
        errors = validate(context.schema._schema, document, _RULES, max_errors=_ERRORS_MAX, hide_suggestions=True)
        for error in errors:
            error.extensions = {"code": VALIDATION_FAILED}
        if not errors and context.query:
            self._control.remember(context.query, document)
        return errors

    def _refused(self) -> list[GraphQLError]:
        context, document = self.execution_context, self._document
        # Strawberry would run the first of several operations; the specification says to ask which.
        operation = get_operation_ast(document, context._provided_operation_name)
        if operation is None:
            return [ApiError(UNRESOLVED, "The document has several operations: choose one with `operationName`.")]
        meter = CostMeter(context.schema._schema, document, context.variables or {})
        refused = self._refused_caller() or self._refused_text() or self._control.refused_cost(meter, operation)
        return [refused] if refused else []

    def _refused_caller(self) -> GraphQLError | None:
        """Return why the caller may not run this document: without a key only introspection, in production none."""
        asked = root_names(self._document)
        context: Context = self.execution_context.context
        if context.caller is None and not all(name.startswith("__") for name in asked):
            return unauthenticated()
        if not self._control.introspection and asked & {"__schema", "__type"}:
            return ApiError(FORBIDDEN, "Introspection is disabled; the schema is published with the source code.")
        return None

    def _refused_text(self) -> GraphQLError | None:
        return ApiError(BAD_USER_INPUT, _NUL) if has_nul(self.execution_context.variables) else None

    @property
    def _document(self) -> DocumentNode:
        document = self.execution_context.graphql_document
        assert document is not None  # validation comes after parsing
        return document
