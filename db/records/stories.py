"""Stories: selfie, avatar, scene and animation as one request."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from db.paging import Page, Window, fetch_page
from db.scope import Scope
from db.tables import stories


@dataclass(frozen=True, slots=True)
class Story:
    """A story row. Its state and percent are those of its jobs (`db.jobs.jobs_of_stories`)."""

    id: UUID
    account_id: UUID
    session_id: UUID | None
    selfie_id: UUID
    created_at: datetime

    @classmethod
    def from_row(cls, row: Any) -> Story:
        """Return the story of a row of the table."""
        return cls(**row._mapping)


def stories_by_id(conn: Connection, scope: Scope, ids: Collection[UUID]) -> dict[UUID, Story]:
    """Return those of the stories that the scope may see."""
    rows = conn.execute(select(stories).where(stories.c.id.in_(ids), scope.allows(stories)))
    return {row.id: Story.from_row(row) for row in rows}


def story_page(conn: Connection, scope: Scope, window: Window) -> Page[Story]:
    """Return one page of the stories that the scope may see, newest first; the key is (id,)."""
    query = select(stories).where(scope.allows(stories))
    return fetch_page(conn, query, (stories.c.id,), window, Story.from_row, descending=True)
