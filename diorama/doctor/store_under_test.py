"""The object store under test by `diorama doctor --store`, with the folder of a run, which is removed afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx

from storage import Content, PresignedPost, S3Settings, S3Store
from storage.client import s3_client

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

SMALL = b"0123456789"
"""The content of most objects of a run."""


class Lacking(Exception):
    """The store does not do what the service needs; the message says what it did and what to do."""


@dataclass(frozen=True)
class StoreUnderTest:
    """A store under test, and the random folder that all objects of a run are in."""

    settings: S3Settings
    http: httpx.Client
    folder: str

    @cached_property
    def store(self) -> S3Store:
        """The store as the service uses it."""
        return S3Store(self.settings)

    @cached_property
    def client(self) -> S3Client:
        """A client for what the service does not ask."""
        return s3_client(self.settings, self.settings.endpoint_url)

    @property
    def bucket(self) -> str:
        """The bucket."""
        return self.settings.bucket

    def key(self, name: str) -> str:
        """Return the key of an object of this run, as the service names it."""
        return f"{self.folder}{name}"

    def full_key(self, name: str) -> str:
        """Return the key of an object of this run in the bucket."""
        return f"{self.settings.key_prefix}{self.key(name)}"

    def put(self, name: str, content_type: str = "text/plain") -> Content:
        """Write a small object."""
        stored = self.store.put_stream(self.key(name), [SMALL], content_type=content_type, max_bytes=len(SMALL))
        return Content(stored.size_bytes, stored.sha256_hex)

    def form(self, name: str) -> PresignedPost:
        """Return a form for a small PNG."""
        return self.store.presigned_post(self.key(name), content_type="image/png", max_bytes=10, expires_s=60)

    def post(self, form: PresignedPost, content: bytes = SMALL, **changed: str) -> httpx.Response:
        """Post a form as a browser does, with some of its fields changed."""
        return self.http.post(form.url, data={**form.fields, **changed}, files={"file": ("file", content)})


def new_folder() -> str:
    """Return a prefix for the objects of one run."""
    return f"check/{uuid4()}/"


def need(fact: bool, lacking: str) -> None:
    """Raise Lacking unless something is so."""
    if not fact:
        raise Lacking(lacking)


def clean_up(tested: StoreUnderTest) -> Iterator[str]:
    """Delete all objects and parts of this run, and yield the keys that are still there."""
    tested.store.abort_uploads(datetime.max.replace(tzinfo=UTC), lambda key: key.startswith(tested.folder))
    tested.store.delete([each.key for each in tested.store.list(tested.folder)])
    yield from (each.key for each in tested.store.list(tested.folder))
