"""Tidying: deleting what a worker wrote for a job that had moved on without it.

A worker that was cut off or frozen while it copied or transcoded may write its object after the job has been
canceled and all its objects deleted. It learns this when its move is dropped, and then deletes what no row names.
"""

from __future__ import annotations

import threading
import time

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from db.engine.claims import ClaimedJob
from db.public_ids import IdKind, encode_id
from db.upkeep.leftovers import leftovers_of
from statemachine.vocabulary import State
from storage import S3Store, StorageError
from storage.keys import attempt_prefix, lease_prefix

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.5
_LOOKS = 60


def tidy_soon(job: ClaimedJob, engine: Engine, store: S3Store) -> None:
    """Take back what was written for this attempt, on a thread of its own: this is rare, and the caller is busy."""
    threading.Thread(target=_tidy, args=(job, engine, store), name="tidying").start()


def _tidy(job: ClaimedJob, engine: Engine, store: S3Store) -> None:
    for _ in range(_LOOKS):
        try:
            with engine.begin() as conn:
                if _is_tidy(conn, job, store):
                    return
        except (SQLAlchemyError, StorageError) as error:
            log.info("tidying is waiting", job_id=encode_id(IdKind.JOB, job.id), why=type(error).__name__)
        time.sleep(_LOOK_EVERY_S)
    log.error("objects may be left behind", job_id=encode_id(IdKind.JOB, job.id), attempt=job.attempt)


def _is_tidy(conn: Connection, job: ClaimedJob, store: S3Store) -> bool:
    """Delete what no row names, or return False while the job is being undone: that may name less in a moment.

    While another worker is at work on the attempt, only what our own lease wrote goes, and nothing while it is storing:
    it may need our copy of the provider's output, which is paid for.
    """
    left = leftovers_of(conn, job.id, job.attempt)
    if left is None or left.state is State.COMPENSATING:
        return left is None
    if not left.at_work:
        _delete_unnamed(store, attempt_prefix(job.id, job.attempt), left.named)
    elif left.state is not State.STORING:
        _delete_unnamed(store, lease_prefix(job.id, job.attempt, job.lease), left.named)
    return True


def _delete_unnamed(store: S3Store, prefix: str, named: frozenset[str]) -> None:
    store.delete([each.key for each in store.list(prefix) if each.key not in named])
