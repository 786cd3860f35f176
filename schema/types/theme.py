"""Themes as callers choose them."""

from __future__ import annotations

import strawberry

from jobs.catalogue.theme_pictures import name_of_picture
from jobs.catalogue.themes import Theme as ThemeRecord
from schema.context import Info
from schema.fields import field
from schema.scalars import URL

# Where the pictures of themes are served.
THEMES_PATH = "/themes"


@strawberry.type(description="A theme for scenes.")
class Theme:
    record: strawberry.Private[ThemeRecord]
    key: strawberry.ID = strawberry.field(description="For `theme` in inputs and filters.")
    name: str = strawberry.field(description="Its name for end users.")
    description: str = strawberry.field(description="What its scenes show, for end users.")

    @classmethod
    def of(cls, record: ThemeRecord) -> Theme:
        """Return the theme of a record; the words of its prompt are not shown."""
        return cls(record=record, key=strawberry.ID(record.key), name=record.name, description=record.description)

    @field(
        "A picture of the theme, WebP of 480×270 pixels and at most 40 kB, at a URL that changes with it and that "
        "browsers may keep. Null for themes of the operator, and in subscriptions unless `PUBLIC_URL` is set."
    )
    def preview_url(self, info: Info) -> URL | None:
        base, name = info.context.base_url, name_of_picture(self.record)
        return None if base is None or name is None else URL(f"{base}{THEMES_PATH}/{name}")
