"""A provider and an object store in memory that behave like the real ones, and a bill."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import UUID, uuid4

from jobs.providers import failures
from jobs.providers.correlation import addresses_in
from jobs.providers.orphan_search import created_between, find_in
from jobs.providers.provider import Listed, OutputVanished, Prediction, ProviderError, Sought, Submission
from statemachine.outcomes import Accepted, OutcomeLost, Refused, Rejected
from storage import Content, ObjectInfo, ObjectMissing, StoredObject

Submitted = Accepted | Refused | Rejected | OutcomeLost
PICTURE = b"a picture"


@dataclass
class Booked:
    """A prediction that the provider accepted and bills. `addresses` are those in its inputs."""

    prediction: Prediction
    token: UUID
    created_at: datetime
    addresses: frozenset[str]

    def is_between(self, after: datetime, before: datetime | None) -> bool:
        """Return whether it was created between two times; the first is included, the second is not."""
        return after <= self.created_at and (before is None or self.created_at < before)


@dataclass
class FakeProvider:
    """Accepts every submission and finishes it at the first poll, unless a script says otherwise.

    Each submission uses up one of `responses`; predictions end as `ends_as`; `cancels` says whether they can be
    canceled; `ahead` is how far its clock is ahead, and must be the database's.
    """

    responses: list[Callable[[Submission], Submitted | None]] = field(default_factory=list)
    ends_as: str = "succeeded"
    error: str | None = None
    is_listed: bool = True
    cancels: bool = True
    ahead: timedelta = timedelta(0)
    takes_files: bool = True
    files: dict[str, bytes] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    booked: dict[str, Booked] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def submit(self, submission: Submission) -> Submitted:
        """Accept a submission, or do what the script says; None stands for the usual response."""
        submission.final_check()
        with self.lock:
            scripted = self.responses.pop(0)(submission) if self.responses else None
            return scripted or Accepted(self.take(submission), 0.0)

    def take(self, submission: Submission) -> str:
        """Book a submission and return the prediction's id."""
        prediction = Prediction(uuid4().hex, "processing", (), None, "", False, None)
        addresses = addresses_in(submission.input)
        self.booked[prediction.id] = Booked(prediction, submission.token, self.now(), addresses)
        return prediction.id

    def get(self, prediction_id: str) -> Prediction:
        """Return a prediction, and finish it first."""
        booked = self._known(prediction_id)
        if booked.prediction.is_running:
            booked.prediction = self._ended(booked.prediction)
        return booked.prediction

    def cancel(self, prediction_id: str) -> Prediction | None:
        """Cancel a prediction that is running; leave any other as it is."""
        if not self.cancels:
            raise ProviderError(failures.of_status(403, "it may not be canceled", None))
        booked = self.booked.get(prediction_id)
        if booked is None:
            return None
        if booked.prediction.is_running:
            booked.prediction = replace(booked.prediction, status="canceled")
        return booked.prediction

    def upload(self, name: str, content: bytes, token: UUID) -> str:
        """Store a picture and return its address."""
        if not self.takes_files:
            raise ProviderError(failures.of_status(503, "", None))
        with self.lock:
            address = f"https://provider.invalid/files/{len(self.files)}"
            self.files[address] = content
        return address

    def remove(self, address: str) -> None:
        """Remove a picture; one that is gone is fine."""
        if not self.takes_files:
            raise ProviderError(failures.of_status(503, "", None))
        self.files.pop(address, None)

    def now(self) -> datetime:
        """Return the time by this provider's clock."""
        return datetime.now(UTC) + self.ahead

    def find(self, sought: Sought) -> str | None:
        """Return the prediction of a submission."""
        return find_in(self.listed(*created_between(self.now(), sought.age)), sought)

    def listed(self, after: datetime, before: datetime | None = None) -> Iterator[tuple[Listed, ...]]:
        """Yield one page of everything that was created between two times, newest first."""
        if not self.is_listed:
            raise ProviderError(failures.unreachable(TimeoutError("no list")))
        booked = [each for each in list(self.booked.values()) if each.is_between(after, before)]
        yield tuple(
            Listed(each.prediction, frozenset({each.token}), each.created_at, each.addresses)
            for each in reversed(booked)
        )

    @contextmanager
    def fetch(self, url: str, *, most_bytes: int) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Open an output."""
        if url in self.gone or not url.startswith("memory://"):
            raise OutputVanished("HTTP 404")
        if len(PICTURE) > most_bytes:
            raise OutputVanished(f"the output is larger than {most_bytes} bytes")
        yield "image/png", iter((PICTURE,))

    def charges(self, token: UUID) -> int:
        """Return how many submissions with this token were accepted."""
        return sum(booked.token == token for booked in self.booked.values())

    def _known(self, prediction_id: str) -> Booked:
        if prediction_id not in self.booked:
            raise ProviderError(failures.of_status(404, "no such prediction", None))
        return self.booked[prediction_id]

    def _ended(self, prediction: Prediction) -> Prediction:
        match self.ends_as:
            case "succeeded":
                return replace(prediction, status="succeeded", output=(f"memory://{prediction.id}/out.png",))
            case "processing":
                return prediction
            case other:
                return replace(prediction, status=other, error=self.error)


class MemoryStore:
    """Objects in a dictionary."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_stream(self, key: str, chunks: Iterable[bytes], *, content_type: str, max_bytes: int) -> StoredObject:
        """Write an object once all of its chunks have arrived."""
        return self._put(key, b"".join(chunks), content_type)

    def put_file(self, key: str, path: Path, *, content_type: str) -> StoredObject:
        """Write a file as an object."""
        return self._put(key, path.read_bytes(), content_type)

    def download(self, key: str, path: Path, *, max_bytes: int, content: Content | None = None) -> StoredObject:
        """Read an object into a file."""
        if key not in self.objects:
            raise ObjectMissing(f"reading {key}: there is no such object")
        path.write_bytes(self.objects[key])
        return _stored(key, self.objects[key], "image/png")

    def verify(self, key: str, content: Content) -> None:
        """Believe the bytes: the rows of `make_world` have no objects."""

    def delete(self, keys: Iterable[str]) -> int:
        """Delete objects; a missing one is fine."""
        given = list(keys)
        for key in given:
            self.objects.pop(key, None)
        return len(given)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with `prefix`."""
        for key in sorted(key for key in self.objects if key.startswith(prefix)):
            yield ObjectInfo(key, len(self.objects[key]), datetime.now(UTC))

    def presigned_get(self, key: str, *, expires_s: int, filename: str | None = None) -> str:
        """Return an address."""
        return f"memory://{key}?{filename}"

    def _put(self, key: str, content: bytes, content_type: str) -> StoredObject:
        self.objects[key] = content
        return _stored(key, content, content_type)


def _stored(key: str, content: bytes, content_type: str) -> StoredObject:
    return StoredObject(key, len(content), hashlib.sha256(content).hexdigest(), content_type)


def lost_response(provider: FakeProvider) -> Callable[[Submission], Any]:
    """Return a script by which the submission is accepted and its response is lost."""

    def respond(submission: Submission) -> OutcomeLost:
        provider.take(submission)
        return OutcomeLost("ReadTimeout after sending")

    return respond
