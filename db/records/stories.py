"""Stories: a selfie, its avatar, scenes and animations as one request."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, func, select

from db.paging import Page, Window, fetch_page
from db.scope import Scope
from db.tables import job_requests, jobs, sessions, stories
from statemachine.vocabulary import State


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


@dataclass(frozen=True, slots=True)
class StoryFilter:
    """A filter of stories; None and empty do not filter. Bounds in time are half-open: [after, before)."""

    states: Collection[str] = ()
    themes: Collection[str] = ()
    user_ref: str | None = None
    session_id: UUID | None = None
    batch_id: UUID | None = None
    metadata: dict[str, Any] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the SQL conditions of what was given."""
        s, r = stories.c, job_requests.c
        found: list[ColumnElement[bool]] = [_STATE.in_(self.states)] if self.states else []
        found += [_has_job(r.theme.in_(self.themes))] if self.themes else []
        found += [_has_job(r.metadata.contains(self.metadata))] if self.metadata else []
        found += [s.id.in_(_stories_of_batch(self.batch_id))] if self.batch_id else []
        found += [s.session_id == self.session_id] if self.session_id else []
        found += [s.created_at >= self.created_after] if self.created_after else []
        found += [s.created_at < self.created_before] if self.created_before else []
        if self.user_ref is not None:
            found.append(s.session_id.in_(select(sessions.c.id).where(sessions.c.user_ref == self.user_ref)))
        return found


# The state of the first job that goes on, or else of the first that did not succeed, as `Story.state` has it.
_STATE = func.coalesce(
    select(jobs.c.state)
    .where(jobs.c.story_id == stories.c.id, jobs.c.state != State.SUCCEEDED)
    .order_by(jobs.c.finished_at.is_not(None), jobs.c.id)
    .limit(1)
    .scalar_subquery(),
    str(State.SUCCEEDED),
)


def _stories_of_batch(batch_id: UUID) -> Select[Any]:
    query = select(jobs.c.story_id).join(job_requests, job_requests.c.job_id == jobs.c.id)
    return query.where(job_requests.c.batch_id == batch_id)


def _has_job(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    of_story = select(jobs.c.id).join(job_requests, job_requests.c.job_id == jobs.c.id)
    return of_story.where(jobs.c.story_id == stories.c.id, condition).exists()


def story_page(conn: Connection, scope: Scope, wanted: StoryFilter, window: Window) -> Page[Story]:
    """Return one page of the stories that the scope may see, newest first; the key is (id,)."""
    query = select(stories).where(scope.allows(stories), *wanted.conditions())
    return fetch_page(conn, query, (stories.c.id,), window, Story.from_row, descending=True)
