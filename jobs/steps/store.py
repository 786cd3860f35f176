"""Store: copy the provider's output into our own storage before it vanishes there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from db.engine.claims import ClaimedJob
from db.engine.row_changes import AttemptChanged
from jobs.engine.lease_times import LeaseKeeper
from jobs.engine.leases import KeptLease, LeaseLost
from jobs.providers import failures
from jobs.providers.profiles import profiles
from jobs.providers.provider import OutputVanished, Provider, ProviderError
from jobs.steps.failures import storage_failure
from jobs.steps.result import Work
from statemachine.outcomes import OutputGone, StepDone, StepFailed
from statemachine.vocabulary import Step
from storage import S3Store, StorageError, StoredObject
from storage.keys import attempt_prefix, is_source, source_key

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "video/mp4": "mp4"}


@dataclass(frozen=True, slots=True)
class StoreParts:
    """The collaborators of the store step."""

    store: S3Store
    provider: Provider
    keeper: LeaseKeeper


def store(job: ClaimedJob, parts: StoreParts) -> Work | None:
    """Stream the first output of the current attempt to its own key; None where its lease was lost on the way.

    Doing it twice is harmless: each lease writes a key of its own.
    """
    most_bytes = profiles()[job.model or ""].output_bytes_max
    try:
        with (
            parts.keeper.keeping(job, Step.STORE) as lease,
            parts.provider.fetch(job.output_urls[0], most_bytes=most_bytes) as (content_type, chunks),
        ):
            content_type = content_type.partition(";")[0].strip() or "application/octet-stream"
            key = source_key(job.id, job.attempt, job.lease, _EXTENSIONS.get(content_type, "bin"))
            stored = parts.store.put_stream(
                key, _while_leased(lease, chunks), content_type=content_type, max_bytes=most_bytes
            )
    except LeaseLost:
        return None
    except OutputVanished as error:
        return _after_it_vanished(job, error, parts)
    except ProviderError as error:
        return Work(job, StepFailed(error.failure))
    except StorageError as error:
        return Work(job, StepFailed(storage_failure(error)))
    return _stored(job, stored)


def _while_leased(lease: KeptLease, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Pass the chunks on for as long as the job is ours: nothing is written of one that is not."""
    for chunk in chunks:
        lease.check()
        yield chunk
    lease.check()


def _after_it_vanished(job: ClaimedJob, error: OutputVanished, parts: StoreParts) -> Work:
    """Take the copy that an earlier worker made and did not live to record, if there is one; it has been paid for."""
    try:
        copies = [each.key for each in parts.store.list(attempt_prefix(job.id, job.attempt)) if is_source(each.key)]
        if not copies:
            return Work(job, OutputGone(failures.output_expired(str(error))))
        with TemporaryDirectory(prefix="diorama-store-") as folder:
            most_bytes = profiles()[job.model or ""].output_bytes_max
            return _stored(job, parts.store.download(copies[0], Path(folder) / "copy", max_bytes=most_bytes))
    except StorageError as error:
        return Work(job, StepFailed(storage_failure(error)))


def _stored(job: ClaimedJob, stored: StoredObject) -> Work:
    changed = AttemptChanged(
        job.id,
        job.attempt,
        "succeeded",
        source_key=stored.key,
        source_type=stored.content_type,
        source_bytes=stored.size_bytes,
        source_sha256=stored.sha256_hex,
    )
    return Work(job, StepDone(), (changed,))
