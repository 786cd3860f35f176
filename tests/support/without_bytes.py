"""Workers that move no bytes, to measure the cost of the engine and of the provider's calls alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from db.engine.claims import ClaimedJob
from db.engine.row_changes import AssetMade, AttemptChanged
from db.ids import new_id
from jobs.providers.provider import Listed, Prediction, Provider, Sought, Submission
from jobs.steps.by_state import Steps, steps_of
from jobs.steps.result import Work
from jobs.steps.runtime import Runtime
from statemachine.outcomes import Accepted, StepDone
from statemachine.vocabulary import State
from storage import Content


class InstantProvider:
    """Accepts every job and has finished it at the first poll."""

    def submit(self, submission: Submission) -> Accepted:
        return Accepted(uuid4().hex, 0.0)

    def get(self, prediction_id: str) -> Prediction:
        return Prediction(prediction_id, "succeeded", ("http://127.0.0.1/out.png",), None, "", False, 1.0)

    def cancel(self, prediction_id: str) -> Prediction | None:
        return None

    def upload(self, name: str, content: bytes, token: UUID) -> str:
        return f"http://127.0.0.1/{name}"

    def remove(self, address: str) -> None:
        return None

    def now(self) -> datetime:
        return datetime.now(UTC)

    def find(self, sought: Sought) -> str | None:
        return None

    def listed(self, after: datetime, before: datetime | None = None) -> Iterator[tuple[Listed, ...]]:
        yield ()

    @contextmanager
    def fetch(self, url: str, *, most_bytes: int) -> Iterator[tuple[str, Iterator[bytes]]]:
        yield "image/png", iter(())


class NoPictures:
    """Returns addresses without pictures, because this provider does not read them."""

    uploads_to = None

    def address(self, object_key: str, content: Content, token: UUID, *, expires_s: int) -> str:
        return f"http://127.0.0.1/{token}.jpg"


@dataclass(frozen=True)
class BlankPictures:
    """Uploads the same few bytes as the picture of every attempt, as the default setting does with real pictures."""

    uploads_to: Provider

    def address(self, object_key: str, content: Content, token: UUID, *, expires_s: int) -> str:
        return self.uploads_to.upload(f"{token}.jpg", b"no picture", token)


def store(job: ClaimedJob) -> Work:
    """Report that the output was copied."""
    changed = AttemptChanged(job.id, job.attempt, "succeeded", source_key="source", source_type="image/png")
    return Work(job, StepDone(), (changed,))


def transcode(job: ClaimedJob) -> Work:
    """Report that the result was made."""
    made = AssetMade(
        id=new_id(),
        account_id=job.account_id,
        session_id=None,
        kind="avatar",
        object_key="avatar",
        content_type="image/png",
        width_px=1024,
        height_px=1024,
        duration_s=None,
        frames_per_second=None,
        size_bytes=1,
        sha256="00",
    )
    return Work(job, StepDone(), (made,), output_id=made.id)


def without_bytes(runtime: Runtime) -> Steps:
    """Return the real steps, except for those that move bytes."""
    return {**steps_of(runtime), State.STORING: store, State.TRANSCODING: transcode}
