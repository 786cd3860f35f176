"""Themes as callers choose them."""

from __future__ import annotations

import strawberry

from jobs.catalogue.themes import Theme as ThemeRecord


@strawberry.type(description="A theme for scenes.")
class Theme:
    key: strawberry.ID = strawberry.field(description="For `theme` in inputs and filters.")
    name: str = strawberry.field(description="Its name for end users.")
    description: str = strawberry.field(description="What its scenes show, for end users.")

    @classmethod
    def of(cls, record: ThemeRecord) -> Theme:
        """Return the theme of a record; the words of its prompt are not shown."""
        return cls(key=strawberry.ID(record.key), name=record.name, description=record.description)
