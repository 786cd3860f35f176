"""Delete expired data: objects before their rows, in bounded batches. A run may stop anywhere.

Only expired data is deleted: no new work begins with it, and data that an unfinished job uses stays. A row whose object
has just been deleted is therefore harmless, and if a run dies between the two, the next one deletes the object again
and marks the row. An object without a row was left by a worker that died or finished too late; it is found by scanning
the bucket, a stretch at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

import structlog
from sqlalchemy import Engine

from db.upkeep.retention import (
    KeyOwner,
    OldFile,
    database_time,
    drop_history_month,
    expired_files,
    find_files_again,
    make_history_months,
    old_sources,
    purge_activity,
    purge_files,
    purge_history,
    purge_sources,
    unnamed,
)
from db.upkeep.shared_objects import lock_purgeable
from statemachine.vocabulary import Kind
from storage import ObjectInfo, S3Store, StorageError
from storage.keys import UPLOADS, belongs

log = structlog.get_logger(__name__)

BATCH_SIZE = 500
# The task shares its thread with others, so it leaves anything beyond this to the next run.
_BATCHES_A_ROUND = 20
# Files whose objects are deleted in one transaction: few enough for a slow store within a worker's idle limit.
_LOCKED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """Retention times; None means forever.

    `by_kind` are those of the files of each kind of job, a poster with its video; `outputs` those of the other kinds.
    `uploads` are uploads never completed; `sources` the provider's originals, counted from the end of their jobs;
    `history` the events of ended jobs and the activity of accounts; `rows` the rows of ended jobs and of deleted files;
    `grace` the age at which an object without a row counts as a leftover.
    """

    uploads: timedelta = timedelta(hours=24)
    selfies: timedelta | None = timedelta(days=30)
    outputs: timedelta | None = timedelta(days=90)
    sources: timedelta | None = timedelta(days=7)
    history: timedelta | None = timedelta(days=365)
    rows: timedelta | None = timedelta(days=730)
    grace: timedelta = timedelta(hours=1)
    by_kind: Mapping[Kind, timedelta | None] = field(default_factory=dict)

    def output_expires_at(self, kind: Kind, made_at: datetime) -> datetime | None:
        """Return the expiry of the files of a job made at `made_at`; None if they never expire."""
        kept_for = self.by_kind.get(kind, self.outputs)
        return None if kept_for is None else made_at + kept_for


@dataclass(frozen=True, slots=True)
class Purged:
    """The result of a run: files and sources deleted, and the months of history dropped."""

    files: int
    sources: int
    months: tuple[str, ...]


def purge_expired(
    engine: Engine, store: S3Store, policy: RetentionPolicy, *, batches: int = _BATCHES_A_ROUND
) -> Purged:
    """Delete data older than the policy allows, at most `batches` batches of files and of sources each.

    Idempotent, also when run concurrently. Raises StorageError; what was deleted until then stays deleted.
    """
    with engine.begin() as conn:
        make_history_months(conn)
    if policy.history is not None:
        # Before the history itself: what an entry refers to should be there.
        _purge_activity(engine, policy.history, batches)
    purged = Purged(
        files=_in_batches(lambda: _purge_files(engine, store, policy.uploads), batches),
        sources=_in_batches(lambda: _purge_sources(engine, store, policy.sources), batches),
        months=_purge_months(engine, policy.history),
    )
    if purged != Purged(0, 0, ()):
        log.info("expired data was deleted", files=purged.files, sources=purged.sources, months=purged.months)
    return purged


def _in_batches(purge: Callable[[], int], most: int) -> int:
    """Repeat until a batch is not full, and return how many were deleted."""
    removed = 0
    for _ in range(most):
        batch = purge()
        removed += batch
        if batch < BATCH_SIZE:
            break
    return removed


def _purge_files(engine: Engine, store: S3Store, uploads: timedelta) -> int:
    with engine.connect() as conn:
        files = expired_files(conn, uploads=uploads, most=BATCH_SIZE)
    groups = (files[at : at + _LOCKED_AT_ONCE] for at in range(0, len(files), _LOCKED_AT_ONCE))
    return sum(_purge_some(engine, store, group) for group in groups)


def _purge_some(engine: Engine, store: S3Store, files: Sequence[OldFile]) -> int:
    """Delete the objects of expired files and mark the files, under a lock on all files that have these objects.

    Postgres may end the transaction of a purge that froze. Its late delete does no harm: an expired file is not shared
    any more, so no other file has begun to use what nothing else used when it was locked.
    """
    with engine.begin() as conn:
        going, keys = lock_purgeable(conn, files)
        store.delete(keys)
        return purge_files(conn, going)


def _purge_sources(engine: Engine, store: S3Store, kept_for: timedelta | None) -> int:
    if kept_for is None:
        return 0
    with engine.connect() as conn:
        sources = old_sources(conn, kept_for=kept_for, most=BATCH_SIZE)
    store.delete(source.key for source in sources)
    with engine.begin() as conn:
        return purge_sources(conn, sources) if sources else 0


def _purge_months(engine: Engine, kept_for: timedelta | None) -> tuple[str, ...]:
    """Drop expired months, each in a transaction of its own."""
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


def _purge_activity(engine: Engine, kept_for: timedelta, batches: int) -> None:
    """Delete old entries of activities, a batch of each account in a transaction of its own."""
    for _ in range(batches):
        with engine.begin() as conn:
            if purge_activity(conn, kept_for=kept_for, most=BATCH_SIZE) == 0:
                break


def _purge_old_history(engine: Engine, kept_for: timedelta) -> None:
    """Delete a batch of events in no monthly partition, such as those of a job redriven after its month was dropped."""
    with engine.begin() as conn:
        purge_history(conn, kept_for=kept_for, most=BATCH_SIZE)


class Leftovers:
    """Scans the bucket and deletes objects that no row names. Remembers its position, and restarts at the end."""

    def __init__(self, engine: Engine, store: S3Store, grace: timedelta) -> None:
        self._engine = engine
        self._store = store
        self._grace = grace
        self._after = ""

    @property
    def is_at_start(self) -> bool:
        """Return True if the scan of the whole bucket is complete."""
        return not self._after

    def purge(self, batches: int = _BATCHES_A_ROUND) -> int:
        """Scan the next stretch of the bucket and return how many objects were deleted.

        Only objects of jobs and uploads in the database are deleted: other objects in the bucket may belong to someone
        else.
        """
        with self._engine.connect() as conn:
            old_before = database_time(conn) - self._grace
        if self.is_at_start:
            self._abort_uploads(old_before)
        objects = self._store.list(after=self._after)
        deleted = 0
        for _ in range(batches):
            batch = list(islice(objects, BATCH_SIZE))
            self._find_again(batch)
            deleted += self._delete_unnamed([each for each in batch if each.modified_at <= old_before])
            self._after = batch[-1].key if len(batch) == BATCH_SIZE else ""
            if not self._after:
                break
        if deleted:
            log.info("leftover objects were deleted", objects=deleted)
        return deleted

    def _abort_uploads(self, began_before: datetime) -> None:
        """Remove the parts of writers that died. A store that does not show them has a lifecycle rule instead."""
        try:
            aborted = self._store.abort_uploads(began_before, lambda key: belongs(key) is not None)
        except StorageError as error:
            log.warning("unfinished uploads cannot be removed: set a lifecycle rule", reason=str(error))
            return
        if aborted:
            log.info("unfinished uploads were removed", uploads=aborted)

    def _find_again(self, objects: Sequence[ObjectInfo]) -> None:
        """Make files ready again that a worker missed, for example because it read another bucket."""
        with self._engine.begin() as conn:
            found = find_files_again(conn, [each.key for each in objects])
        if found:
            log.warning("missing files are in the store again", files=found)

    def _delete_unnamed(self, objects: Sequence[ObjectInfo]) -> int:
        owners = owners_of(objects)
        if not owners:
            return 0
        with self._engine.connect() as conn:
            found = unnamed(conn, owners, grace=self._grace)
        return self._store.delete(key for key, is_known in found.items() if is_known)


def purge_posted(engine: Engine, store: S3Store) -> int:
    """Delete what was posted with the forms of uploads that are over; return how many objects that were.

    A form stays valid for some minutes after its upload was completed. What is posted with it again is not cleaned: it
    may contain a place and a time.
    """
    objects = store.list(UPLOADS)
    deleted = 0
    while batch := list(islice(objects, BATCH_SIZE)):
        with engine.connect() as conn:
            found = unnamed(conn, owners_of(batch), grace=timedelta(0))
        deleted += store.delete(key for key, is_known in found.items() if is_known)
    if deleted:
        log.info("uploads posted after their completion were deleted", objects=deleted)
    return deleted


def owners_of(objects: Sequence[ObjectInfo]) -> list[KeyOwner]:
    """Return the owner of each object; foreign objects are left out."""
    found = [(each.key, belongs(each.key)) for each in objects]
    return [KeyOwner(key, owner.job_id, owner.asset_id) for key, owner in found if owner is not None]
