"""Loaders: what the fields of one response need is read in batches, one connection each.

They live as long as one operation, or one event of a subscription: longer, and they would return stale rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection
from strawberry.dataloader import DataLoader

from db.engine.pausing import Pause, pauses
from db.engine.provider_limiter import Limits, limits_now
from db.paging import Page, Window
from db.records.accounts import SessionRecord, accounts_at_limit, sessions_in_scope
from db.records.assets import Asset, assets_by_id
from db.records.attempts import Attempt, attempts_of
from db.records.events import JobEvent, event_pages
from db.records.jobs import Children, Job, children_of, jobs_by_id, jobs_of_stories
from db.records.ledger import Balance, JobCredits, WalletKey, balances_of, credits_of_jobs
from db.records.stories import Story, stories_by_id
from db.scope import Scope
from schema.database import Database
from statemachine.vocabulary import Step

T = TypeVar("T")

_BATCH_MAX = 500


@dataclass(frozen=True, slots=True)
class Loaders:
    """One loader a relation."""

    jobs: DataLoader[UUID, Job | None]
    children: DataLoader[Children, list[Job]]
    story_jobs: DataLoader[UUID, list[Job] | None]
    stories: DataLoader[UUID, Story | None]
    assets: DataLoader[UUID, Asset | None]
    sessions: DataLoader[UUID, SessionRecord | None]
    attempts: DataLoader[UUID, list[Attempt] | None]
    events: DataLoader[tuple[UUID, Window], Page[JobEvent]]
    balances: DataLoader[WalletKey, Balance]
    credits: DataLoader[UUID, JobCredits]
    pauses: DataLoader[Step, Pause | None]
    # Whether an account has as many jobs at the provider as it may have.
    limits: DataLoader[UUID, bool]
    # How submissions stand for everybody.
    submissions: DataLoader[None, Limits]


def new_loaders(database: Database, scope: Scope) -> Loaders:
    """Return empty loaders that see what `scope` allows."""

    def by_id(read: Callable[[Connection, Scope, Collection[UUID]], Mapping[UUID, T]]) -> DataLoader[UUID, T | None]:
        async def load(ids: list[UUID]) -> Sequence[T | None]:
            found = await database.read(read, scope, ids)
            return [found.get(each) for each in ids]

        return DataLoader(load, max_batch_size=_BATCH_MAX)

    async def load_children(keys: list[Children]) -> Sequence[list[Job]]:
        found = await database.read(children_of, scope, keys)
        return [found[key] for key in keys]

    async def load_attempts(ids: list[UUID]) -> Sequence[list[Attempt] | None]:
        found = await database.read(attempts_of, ids)
        return [found.get(each) for each in ids]

    async def load_events(keys: list[tuple[UUID, Window]]) -> Sequence[Page[JobEvent]]:
        return await database.read(event_pages, keys)

    async def load_balances(keys: list[WalletKey]) -> Sequence[Balance]:
        found = await database.read(balances_of, keys)
        return [found[key] for key in keys]

    async def load_credits(ids: list[UUID]) -> Sequence[JobCredits]:
        found = await database.read(credits_of_jobs, ids)
        return [found.get(each, JobCredits()) for each in ids]

    async def load_pauses(steps: list[Step]) -> Sequence[Pause | None]:
        found = await database.read(pauses)
        return [found.get(step) for step in steps]

    async def load_limits(ids: list[UUID]) -> Sequence[bool]:
        found = await database.read(accounts_at_limit, ids)
        return [each in found for each in ids]

    async def load_submissions(keys: list[None]) -> Sequence[Limits]:
        return [await database.read(limits_now)] * len(keys)

    return Loaders(
        jobs=by_id(jobs_by_id),
        children=DataLoader(load_children, max_batch_size=_BATCH_MAX),
        story_jobs=by_id(jobs_of_stories),
        stories=by_id(stories_by_id),
        assets=by_id(assets_by_id),
        sessions=by_id(sessions_in_scope),
        attempts=DataLoader(load_attempts, max_batch_size=_BATCH_MAX),
        events=DataLoader(load_events, max_batch_size=_BATCH_MAX),
        balances=DataLoader(load_balances, max_batch_size=_BATCH_MAX),
        credits=DataLoader(load_credits, max_batch_size=_BATCH_MAX),
        pauses=DataLoader(load_pauses, max_batch_size=_BATCH_MAX),
        limits=DataLoader(load_limits, max_batch_size=_BATCH_MAX),
        submissions=DataLoader(load_submissions, max_batch_size=_BATCH_MAX),
    )
