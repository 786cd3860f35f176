"""Store: copy the provider's output into our own storage before it vanishes there."""

from __future__ import annotations

from db.claims import ClaimedJob
from db.effects import AttemptChanged
from jobs.providers import failures
from jobs.providers.profiles import profiles
from jobs.providers.provider import OutputVanished, ProviderTrouble
from jobs.runtime import Runtime
from jobs.steps.trouble import storage_failure
from jobs.steps.work import Work
from statemachine.outcomes import OutputGone, StepFailed, Stored
from statemachine.states import Step
from storage import StorageError
from storage.keys import source_key

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "video/mp4": "mp4"}


def store(job: ClaimedJob, runtime: Runtime) -> Work:
    """Stream the first output of the current attempt to its own key. Doing it twice writes the same object."""
    most_bytes = profiles()[job.model or ""].output_bytes_max
    try:
        with (
            runtime.renewer.holding(job.claim, runtime.leases.of(Step.STORE)),
            runtime.provider.fetch(job.output_urls[0], most_bytes=most_bytes) as (content_type, chunks),
        ):
            content_type = content_type.partition(";")[0].strip() or "application/octet-stream"
            key = source_key(job.id, job.attempt, _EXTENSIONS.get(content_type, "bin"))
            stored = runtime.store.put_stream(key, chunks, content_type=content_type, max_bytes=most_bytes)
    except OutputVanished as error:
        return Work(job, OutputGone(failures.output_expired(str(error))))
    except ProviderTrouble as trouble:
        return Work(job, StepFailed(trouble.failure))
    except StorageError as error:
        return Work(job, StepFailed(storage_failure(error)))
    changed = AttemptChanged(
        job.id,
        job.attempt,
        "succeeded",
        source_key=stored.key,
        source_type=stored.content_type,
        source_bytes=stored.size_bytes,
        source_sha256=stored.sha256_hex,
    )
    return Work(job, Stored(stored.key, stored.content_type, stored.size_bytes, stored.sha256_hex), (changed,))
