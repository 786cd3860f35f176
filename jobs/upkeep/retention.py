"""Retention: what is old goes. Objects go before their rows, in bounded batches, and a pass may end anywhere.

Only what has expired is deleted: nothing new begins with it, and what an unfinished job works on stays. So a row whose
object has just gone harms nobody, and where a pass dies between the two, the next one deletes the object again and
marks the row. An object that no row names was left by a worker that died or came too late; it is found by going
through the bucket, a stretch at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import structlog
from sqlalchemy import Engine

from db.upkeep.retention import (
    KeyOwner,
    database_time,
    drop_history_month,
    expired_files,
    make_history_months,
    old_sources,
    purge_files,
    purge_history,
    purge_sources,
    unnamed,
)
from storage import ObjectInfo, S3Store
from storage.keys import belongs

log = structlog.get_logger(__name__)

_BATCH = 500
# A round shares its thread with others, so it leaves what is beyond this to the next one.
_BATCHES_A_ROUND = 20


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How long things are kept; None is for ever.

    `uploads` are promised places that nobody completed; `sources` the provider's originals, counted from the end of
    their jobs; `history` the events of ended jobs; `rows` the rows of ended jobs and of files that are gone; `grace`
    how old an object without a row must be to be left over.
    """

    uploads: timedelta = timedelta(hours=24)
    selfies: timedelta | None = timedelta(days=30)
    outputs: timedelta | None = timedelta(days=90)
    sources: timedelta | None = timedelta(days=7)
    history: timedelta | None = timedelta(days=365)
    rows: timedelta | None = timedelta(days=730)
    grace: timedelta = timedelta(hours=1)

    def output_expires_at(self, made_at: datetime) -> datetime | None:
        """Return when a finished file is removed that was made at a time; None where it never is."""
        return None if self.outputs is None else made_at + self.outputs


@dataclass(frozen=True, slots=True)
class Purged:
    """What a pass did: files and sources removed, and the months of history that went."""

    files: int
    sources: int
    months: tuple[str, ...]


def purge_expired(
    engine: Engine, store: S3Store, policy: RetentionPolicy, *, batches: int = _BATCHES_A_ROUND
) -> Purged:
    """Remove what is older than the policy allows, at most so many batches of files and of sources.

    Doing it twice, or in two places at once, removes nothing more. Raises StorageError, with what was removed by then.
    """
    with engine.begin() as conn:
        make_history_months(conn)
    swept = Purged(
        files=_in_batches(lambda: _purge_files(engine, store, policy.uploads), batches),
        sources=_in_batches(lambda: _purge_sources(engine, store, policy.sources), batches),
        months=_purge_months(engine, policy.history),
    )
    if swept != Purged(0, 0, ()):
        log.info("old things were removed", files=swept.files, sources=swept.sources, months=swept.months)
    return swept


def _in_batches(purge: Callable[[], int], most: int) -> int:
    """Repeat until a batch is not full, and return how many were removed."""
    removed = 0
    for _ in range(most):
        batch = purge()
        removed += batch
        if batch < _BATCH:
            break
    return removed


def _purge_files(engine: Engine, store: S3Store, uploads: timedelta) -> int:
    with engine.connect() as conn:
        files = expired_files(conn, uploads=uploads, most=_BATCH)
    store.delete(file.key for file in files)
    with engine.begin() as conn:
        return purge_files(conn, files) if files else 0


def _purge_sources(engine: Engine, store: S3Store, kept_for: timedelta | None) -> int:
    if kept_for is None:
        return 0
    with engine.connect() as conn:
        sources = old_sources(conn, kept_for=kept_for, most=_BATCH)
    store.delete(source.key for source in sources)
    with engine.begin() as conn:
        return purge_sources(conn, sources) if sources else 0


def _purge_months(engine: Engine, kept_for: timedelta | None) -> tuple[str, ...]:
    """Drop the months of which nothing is wanted any more, each in a transaction of its own."""
    dropped: list[str] = []
    while kept_for is not None:
        with engine.begin() as conn:
            month = drop_history_month(conn, kept_for=kept_for)
        if month is None:
            break
        dropped.append(month)
    if kept_for is not None:
        _purge_old_history(engine, kept_for)
    return tuple(dropped)


def _purge_old_history(engine: Engine, kept_for: timedelta) -> None:
    """Delete a batch of what no month took, such as the events of a job that was redriven after its month had gone."""
    with engine.begin() as conn:
        purge_history(conn, kept_for=kept_for, most=_BATCH)


class Leftovers:
    """Goes through the bucket and deletes what no row names. It remembers where it was, and begins anew at the end."""

    def __init__(self, engine: Engine, store: S3Store, grace: timedelta) -> None:
        self._engine = engine
        self._store = store
        self._grace = grace
        self._after = ""

    @property
    def is_at_start(self) -> bool:
        """Whether the whole bucket has been looked at."""
        return not self._after

    def purge(self, batches: int = _BATCHES_A_ROUND) -> int:
        """Look at the next stretch of the bucket and return how many objects were deleted.

        Only objects of jobs and uploads that the database knows are deleted: what else lies in the bucket may be
        somebody else's.
        """
        with self._engine.connect() as conn:
            old_before = database_time(conn) - self._grace
        objects = self._store.list(after=self._after)
        deleted = 0
        for _ in range(batches):
            batch = list(islice(objects, _BATCH))
            deleted += self._delete_unnamed([each for each in batch if each.modified_at <= old_before])
            self._after = batch[-1].key if len(batch) == _BATCH else ""
            if not self._after:
                break
        if deleted:
            log.info("left objects were removed", objects=deleted)
        return deleted

    def _delete_unnamed(self, objects: Sequence[ObjectInfo]) -> int:
        owners = owners_of(objects)
        if not owners:
            return 0
        with self._engine.connect() as conn:
            found = unnamed(conn, owners, grace=self._grace)
        return self._store.delete(key for key, is_known in found.items() if is_known)


def owners_of(objects: Sequence[ObjectInfo]) -> list[KeyOwner]:
    """Return to what each object belongs; one that is not ours is left out."""
    found = [(each.key, belongs(each.key)) for each in objects]
    return [KeyOwner(key, owner.job_id, owner.asset_id) for key, owner in found if owner is not None]
