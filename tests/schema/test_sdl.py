"""The schema in the repository is the one that is served."""

from __future__ import annotations

from graphql import build_schema

from schema.sdl import PATH, sdl


def test_the_checked_in_schema_is_up_to_date() -> None:
    assert PATH.read_text(encoding="utf-8") == sdl(), "run `python -m schema.sdl`"


def test_the_checked_in_schema_is_valid() -> None:
    assert build_schema(PATH.read_text(encoding="utf-8")).query_type
