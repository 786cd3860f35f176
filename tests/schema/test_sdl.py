"""The schema in the repository is the schema that is served."""

from __future__ import annotations

from graphql import build_schema

from schema.sdl import PATH, sdl


def test_the_printed_schema_is_up_to_date() -> None:
    assert PATH.read_text(encoding="utf-8") == sdl(), "run `python -m schema.sdl`"


def test_the_printed_schema_is_a_schema() -> None:
    assert build_schema(PATH.read_text(encoding="utf-8")).query_type
