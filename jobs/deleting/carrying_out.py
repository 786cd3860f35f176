"""Carry out deletions: objects first, then the words in the rows. A run may stop anywhere, and the next one goes on.

A deletion waits until its jobs have ended: compensation cancels their predictions and deletes their objects. It is
complete once neither the store nor the provider has anything of it any more.
"""

from __future__ import annotations

from uuid import UUID

import structlog
from sqlalchemy import Engine

from db.public_ids import IdKind, encode_id
from db.records.deletions import Deletion
from db.upkeep.deletions import (
    Doomed,
    clear_provider_file,
    complete,
    doomed_of,
    doomed_running,
    due_deletions,
    note_deleted,
    provider_files,
    reopen,
)
from db.upkeep.shared_objects import named_by_files
from jobs.deleting.collecting import collect
from jobs.providers.pair import ProviderPair
from jobs.providers.provider import ProviderError
from storage import S3Store
from storage.keys import asset_prefixes, job_prefix

log = structlog.get_logger(__name__)

BATCH_SIZE = 100
# Sorts before every id.
_START = UUID(int=0)


def carry_out_deletions(engine: Engine, store: S3Store, providers: ProviderPair) -> int:
    """Carry out what is due, and return how many deletions were completed. Idempotent, also when run concurrently."""
    completed, after = 0, _START
    while due := _due(engine, after):
        completed += sum(_attempted(engine, store, providers, each) for each in due)
        after = due[-1].id
    return completed


def _due(engine: Engine, after: UUID) -> list[Deletion]:
    with engine.connect() as conn:
        return due_deletions(conn, after=after, most=BATCH_SIZE)


def _attempted(engine: Engine, store: S3Store, providers: ProviderPair, deletion: Deletion) -> bool:
    """Carry out one deletion. An error is logged: the next run tries again, and the other deletions do not wait."""
    try:
        return _carry_out(engine, store, providers, deletion)
    except ProviderError as error:
        log.info("a deletion waits for the provider", reason=str(error))
        return False
    except Exception:
        log.exception("a deletion failed", deletion_id=encode_id(IdKind.DELETION, deletion.id))
        return False


def _carry_out(engine: Engine, store: S3Store, providers: ProviderPair, deletion: Deletion) -> bool:
    """Delete what is left of one deletion, and return whether it has just become complete."""
    with engine.begin() as conn:
        collected = collect(conn, deletion)
        if deletion.completed_at is not None and not collected.found:
            return False
        reopen(conn, deletion.id)
    with engine.connect() as conn:
        if doomed_running(conn, deletion.id):
            return False
        doomed = doomed_of(conn, deletion.id)
    _delete_objects(engine, store, deletion, doomed)
    if not _removed_at_provider(engine, providers, deletion) or _left(engine, store, doomed):
        return False
    with engine.begin() as conn:
        complete(conn, deletion.id, doomed.jobs)
    log.info("a deletion is complete", deletion_id=encode_id(IdKind.DELETION, deletion.id), subject=deletion.subject)
    return True


def _delete_objects(engine: Engine, store: S3Store, deletion: Deletion, doomed: Doomed) -> None:
    found = _left(engine, store, doomed)
    store.delete(found)
    with engine.begin() as conn:
        note_deleted(conn, deletion.id, len(found))


def _removed_at_provider(engine: Engine, providers: ProviderPair, deletion: Deletion) -> bool:
    """Remove the uploaded pictures of submissions that are over; return whether there is no other. ProviderError."""
    with engine.connect() as conn:
        files = provider_files(conn, deletion.id)
    for file in files:
        if file.has_ended:
            providers.of(is_test=file.is_test).remove(file.picture_url)
            with engine.begin() as conn:
                clear_provider_file(conn, file)
    return all(file.has_ended for file in files)


def _left(engine: Engine, store: S3Store, doomed: Doomed) -> list[str]:
    """Return the keys of the objects that the store has of a deletion; those that other files share are not of it."""
    prefixes = [job_prefix(job_id) for job_id in doomed.jobs]
    prefixes += [prefix for account_id, asset_id in doomed.uploads for prefix in asset_prefixes(account_id, asset_id)]
    found = {each.key for prefix in prefixes for each in store.list(prefix)}
    elsewhere = {key for key in doomed.keys if not key.startswith(tuple(prefixes))}
    found |= {key for key in elsewhere if store.head(key) is not None}
    with engine.connect() as conn:
        return sorted(found - named_by_files(conn, found))
