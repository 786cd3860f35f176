"""Old rows: of jobs that ended long ago, of files that are gone, and of used idempotency keys.

The rows of a job go last, after its history, its files and its originals, whatever their own times are; what anything
still refers to stays. Entries of the ledger are kept forever: docs/decisions/0008.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import Engine

from db.upkeep.row_purge import jobs_that_may_go, old_assets, old_jobs, purge_assets, purge_jobs, purge_keys
from storage import S3Store
from storage.keys import job_prefix

log = structlog.get_logger(__name__)

_BATCH = 500
_BATCHES_A_ROUND = 20
# Comes before every id.
_START = UUID(int=0)


@dataclass(frozen=True, slots=True)
class PurgedRows:
    """How many rows went."""

    jobs: int
    files: int
    keys: int


class OldRows:
    """Goes through the old rows and deletes what may go. It remembers where it was, and begins anew at the end.

    `kept_for` counts from a job's end, a file's expiry and a key's first use; None is for ever.
    """

    def __init__(self, engine: Engine, store: S3Store, kept_for: timedelta | None) -> None:
        self._engine = engine
        self._store = store
        self._kept_for = kept_for
        self._after_job = _START
        self._after_file = _START

    def purge(self, batches: int = _BATCHES_A_ROUND) -> PurgedRows:
        """Look at the next stretch of each kind. Doing it in two places at once deletes nothing more."""
        if self._kept_for is None:
            return PurgedRows(0, 0, 0)
        kept_for = self._kept_for
        jobs, self._after_job = _through(lambda after: self._jobs(after, kept_for), self._after_job, batches)
        files, self._after_file = _through(lambda after: self._files(after, kept_for), self._after_file, batches)
        forgotten = PurgedRows(jobs, files, self._keys(kept_for, batches))
        if forgotten != PurgedRows(0, 0, 0):
            log.info("old rows were deleted", jobs=forgotten.jobs, files=forgotten.files, keys=forgotten.keys)
        return forgotten

    def _jobs(self, after: UUID, kept_for: timedelta) -> tuple[int, UUID]:
        """Delete what may go of a batch of jobs, and then what that was made from."""
        with self._engine.connect() as conn:
            batch = old_jobs(conn, after=after, kept_for=kept_for, most=_BATCH)
        removed, ids = 0, [job.id for job in batch if job.may_go]
        while ids:
            # No row names any object of theirs by now; one that was left over must not lose its job and stay for ever.
            self._store.delete(found.key for job_id in ids for found in self._store.list(job_prefix(job_id)))
            with self._engine.begin() as conn:
                gone, parents = purge_jobs(conn, ids, kept_for=kept_for)
            removed += gone
            with self._engine.connect() as conn:
                ids = jobs_that_may_go(conn, parents, kept_for=kept_for) if parents else []
        return removed, batch[-1].id if len(batch) == _BATCH else _START

    def _files(self, after: UUID, kept_for: timedelta) -> tuple[int, UUID]:
        with self._engine.connect() as conn:
            batch = old_assets(conn, after=after, kept_for=kept_for, most=_BATCH)
        going = [file for file in batch if file.may_go]
        if going:
            self._store.delete(file.key for file in going)
        with self._engine.begin() as conn:
            removed = purge_assets(conn, [file.id for file in going], kept_for=kept_for) if going else 0
        return removed, batch[-1].id if len(batch) == _BATCH else _START

    def _keys(self, kept_for: timedelta, batches: int) -> int:
        removed = 0
        for _ in range(batches):
            with self._engine.begin() as conn:
                batch = purge_keys(conn, kept_for=kept_for, most=_BATCH)
            removed += batch
            if batch < _BATCH:
                break
        return removed


def _through(look: Callable[[UUID], tuple[int, UUID]], after: UUID, batches: int) -> tuple[int, UUID]:
    """Look at so many batches, or to the end; return how many rows went, and where to go on."""
    removed = 0
    for _ in range(batches):
        count, after = look(after)
        removed += count
        if after == _START:
            break
    return removed, after
