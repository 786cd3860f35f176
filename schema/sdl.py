"""The schema as text, kept beside the code so that a change of the API is seen in review.

`python -m schema.sdl` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

from graphql import lexicographic_sort_schema, print_schema

from schema.build import build_schema
from schema.runtime import ApiSettings

PATH = Path(__file__).with_name("schema.graphql")


def sdl() -> str:
    """Return the schema in GraphQL's own language, sorted, so that the same schema is always the same text."""
    return print_schema(lexicographic_sort_schema(build_schema(ApiSettings())._schema)) + "\n"


if __name__ == "__main__":
    PATH.write_text(sdl(), encoding="utf-8")
