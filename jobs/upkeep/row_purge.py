"""Purge old rows: of jobs that ended long ago, of deleted files, of used idempotency keys, and of sent webhooks.

A job's rows go last, after its history, files and originals, regardless of their own ages; anything still referenced
stays. Ledger entries are kept forever: docs/decisions/0008 gives the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog
from sqlalchemy import Engine

from db.upkeep.row_purge import (
    jobs_that_may_go,
    old_assets,
    old_jobs,
    purge_assets,
    purge_deliveries,
    purge_jobs,
    purge_keys,
    purge_redrives,
)
from jobs.shared_objects import delete_unnamed
from storage import S3Store
from storage.keys import job_prefix

log = structlog.get_logger(__name__)

BATCH_SIZE = 500
_BATCHES_A_ROUND = 20
# The delivery log serves those who look for a fault in their endpoint, not accounting.
DELIVERIES_KEPT_FOR = timedelta(days=30)
# It grows with every message: a run removes what thousands of messages a second have left since the last one.
_DELIVERIES_A_BATCH = 5_000
_DELIVERY_BATCHES = 400
# Sorts before every id.
_START = UUID(int=0)


@dataclass(frozen=True, slots=True)
class PurgedRows:
    """The number of rows deleted, by kind."""

    jobs: int
    files: int
    keys: int
    deliveries: int = 0


class OldRows:
    """Scans old rows and deletes those that may go. Remembers its position, and restarts at the end.

    `kept_for` counts from a job's end, a file's expiry and a key's first use; None means forever.
    """

    def __init__(self, engine: Engine, store: S3Store, kept_for: timedelta | None) -> None:
        self._engine = engine
        self._store = store
        self._kept_for = kept_for
        self._after_job = _START
        self._after_file = _START

    def purge(self, batches: int = _BATCHES_A_ROUND) -> PurgedRows:
        """Scan the next stretch of each kind. Safe to run concurrently."""
        log_of_webhooks = partial(purge_deliveries, kept_for=DELIVERIES_KEPT_FOR)
        deliveries = self._batches(log_of_webhooks, _DELIVERY_BATCHES, _DELIVERIES_A_BATCH)
        if self._kept_for is None:
            return PurgedRows(0, 0, 0, deliveries)
        kept_for = self._kept_for
        jobs, self._after_job = _through(lambda after: self._jobs(after, kept_for), self._after_job, batches)
        files, self._after_file = _through(lambda after: self._files(after, kept_for), self._after_file, batches)
        keys = self._batches(partial(purge_keys, kept_for=kept_for), batches)
        # After the keys: a request that is sent again finds its redrive.
        self._batches(partial(purge_redrives, kept_for=kept_for), batches)
        purged = PurgedRows(jobs, files, keys, deliveries)
        if purged != PurgedRows(0, 0, 0):
            log.info("old rows were deleted", **asdict(purged))
        return purged

    def _jobs(self, after: UUID, kept_for: timedelta) -> tuple[int, UUID]:
        """Delete the purgeable jobs of a batch, and then the files they were made from."""
        with self._engine.connect() as conn:
            batch = old_jobs(conn, after=after, kept_for=kept_for, most=BATCH_SIZE)
        removed, ids = 0, [job.id for job in batch if job.may_go]
        while ids:
            # No row names any of their objects by now; a leftover object must not lose its job, or it would stay
            # forever.
            found = [each.key for job_id in ids for each in self._store.list(job_prefix(job_id))]
            delete_unnamed(self._engine, self._store, found)
            with self._engine.begin() as conn:
                gone, parents = purge_jobs(conn, ids, kept_for=kept_for)
            removed += gone
            with self._engine.connect() as conn:
                ids = jobs_that_may_go(conn, parents, kept_for=kept_for) if parents else []
        return removed, batch[-1].id if len(batch) == BATCH_SIZE else _START

    def _files(self, after: UUID, kept_for: timedelta) -> tuple[int, UUID]:
        with self._engine.connect() as conn:
            batch = old_assets(conn, after=after, kept_for=kept_for, most=BATCH_SIZE)
        going = [file for file in batch if file.may_go]
        if going:
            delete_unnamed(self._engine, self._store, [key for file in going for key in file.keys])
        with self._engine.begin() as conn:
            removed = purge_assets(conn, [file.id for file in going], kept_for=kept_for) if going else 0
        return removed, batch[-1].id if len(batch) == BATCH_SIZE else _START

    def _batches(self, purge: Callable[..., int], batches: int, size: int = BATCH_SIZE) -> int:
        removed = 0
        for _ in range(batches):
            with self._engine.begin() as conn:
                batch = purge(conn, most=size)
            removed += batch
            if batch < size:
                break
        return removed


def _through(look: Callable[[UUID], tuple[int, UUID]], after: UUID, batches: int) -> tuple[int, UUID]:
    """Scan up to `batches` batches or to the end; return how many rows were deleted and where to continue."""
    removed = 0
    for _ in range(batches):
        count, after = look(after)
        removed += count
        if after == _START:
            break
    return removed, after
