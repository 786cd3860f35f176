"""Loaders: they read the rows that the fields of one response need in batches, one connection each.

They live as long as one operation, or one event of a subscription. If they lived longer, they would return stale rows.
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
from db.records.accounts import Account, SessionRecord, accounts_at_limit, accounts_in_scope, sessions_in_scope
from db.records.assets import Asset, assets_by_id
from db.records.attempts import Attempt, attempts_of
from db.records.credit_limits import CreditLimits, limits_of
from db.records.deletions import Deletion, deletions_by_id
from db.records.events import JobEvent, event_pages, events_of_keys
from db.records.jobs import Children, Job, children_of, jobs_by_id, jobs_of_batches, jobs_of_stories, makers_of
from db.records.ledger import Balance, JobCredits, WalletKey, balances_of, credits_of_jobs
from db.records.renditions import Rendition, renditions_of
from db.records.stories import Story, stories_by_id
from db.records.suspensions import Suspension, suspensions_of
from db.scope import Scope
from schema.database import Database
from statemachine.vocabulary import Step

K = TypeVar("K")
V = TypeVar("V")

Read = Callable[[Connection, list[K]], Mapping[K, V]]

_BATCH_MAX = 500


@dataclass(frozen=True, slots=True)
class Loaders:
    """One loader a relation."""

    jobs: DataLoader[UUID, Job | None]
    children: DataLoader[Children, list[Job]]
    story_jobs: DataLoader[UUID, list[Job] | None]
    batch_jobs: DataLoader[UUID, list[Job] | None]
    # The jobs that made assets, by those.
    makers: DataLoader[UUID, Job | None]
    stories: DataLoader[UUID, Story | None]
    accounts: DataLoader[UUID, Account | None]
    assets: DataLoader[UUID, Asset | None]
    renditions: DataLoader[UUID, list[Rendition] | None]
    sessions: DataLoader[UUID, SessionRecord | None]
    deletions: DataLoader[UUID, Deletion | None]
    attempts: DataLoader[UUID, list[Attempt] | None]
    events: DataLoader[tuple[UUID, Window], Page[JobEvent]]
    # Single events, by their jobs and sequence numbers. The caller has seen an entry of the activity that names it.
    single_events: DataLoader[tuple[UUID, int], JobEvent | None]
    balances: DataLoader[WalletKey, Balance]
    credit_limits: DataLoader[UUID, CreditLimits | None]
    suspensions: DataLoader[WalletKey, Suspension | None]
    credits: DataLoader[UUID, JobCredits]
    pauses: DataLoader[Step, Pause | None]
    # Whether an account has as many jobs at the provider as it may have.
    limits: DataLoader[UUID, bool]
    # How submissions stand for everybody.
    submissions: DataLoader[None, Limits]


def new_loaders(database: Database, scope: Scope) -> Loaders:
    """Return empty loaders that see what `scope` allows."""

    def scoped(read: Callable[[Connection, Scope, Collection[K]], Mapping[K, V]]) -> DataLoader[K, V | None]:
        return _some(database, lambda conn, keys: read(conn, scope, keys))

    return Loaders(
        jobs=scoped(jobs_by_id),
        children=_every(database, lambda conn, keys: children_of(conn, scope, keys)),
        story_jobs=scoped(jobs_of_stories),
        batch_jobs=scoped(jobs_of_batches),
        makers=scoped(makers_of),
        stories=scoped(stories_by_id),
        accounts=scoped(accounts_in_scope),
        assets=scoped(assets_by_id),
        renditions=_some(database, renditions_of),
        sessions=scoped(sessions_in_scope),
        deletions=scoped(deletions_by_id),
        attempts=_some(database, attempts_of),
        events=_every(database, _event_pages),
        single_events=_some(database, events_of_keys),
        balances=_every(database, balances_of),
        credit_limits=_some(database, limits_of),
        suspensions=_some(database, suspensions_of),
        credits=_every(database, _credits),
        pauses=_some(database, lambda conn, steps: pauses(conn)),
        limits=_every(database, _at_limit),
        submissions=_every(database, lambda conn, keys: {None: limits_now(conn)}),
    )


def _every(database: Database, read: Read[K, V]) -> DataLoader[K, V]:
    """Return a loader of values that every key has."""

    async def load(keys: list[K]) -> Sequence[V]:
        found = await database.read(read, keys)
        return [found[key] for key in keys]

    return DataLoader(load, max_batch_size=_BATCH_MAX)


def _some(database: Database, read: Read[K, V]) -> DataLoader[K, V | None]:
    """Return a loader of values that some keys have; it loads None for the others."""

    async def load(keys: list[K]) -> Sequence[V | None]:
        found = await database.read(read, keys)
        return [found.get(key) for key in keys]

    return DataLoader(load, max_batch_size=_BATCH_MAX)


def _event_pages(conn: Connection, wanted: list[tuple[UUID, Window]]) -> Mapping[tuple[UUID, Window], Page[JobEvent]]:
    return dict(zip(wanted, event_pages(conn, wanted), strict=True))


def _credits(conn: Connection, job_ids: list[UUID]) -> Mapping[UUID, JobCredits]:
    found = credits_of_jobs(conn, job_ids)
    return {job_id: found.get(job_id, JobCredits()) for job_id in job_ids}


def _at_limit(conn: Connection, account_ids: list[UUID]) -> Mapping[UUID, bool]:
    found = accounts_at_limit(conn, account_ids)
    return {account_id: account_id in found for account_id in account_ids}
