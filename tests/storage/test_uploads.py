"""A large object is written in parts, and a writer that fails or dies leaves none of them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from diorama.embedded import EmbeddedS3
from storage import S3Settings, S3Store, StorageError
from storage.client import s3_client
from storage.uploads import MULTIPART_BYTES, unfinished

_CHUNK = bytes(range(256)) * 4096
_CHUNKS = MULTIPART_BYTES // len(_CHUNK) + 2


def test_a_large_object_is_written_in_parts_and_is_unchanged(either: S3Settings, tmp_path: Path) -> None:
    store, client = S3Store(either), s3_client(either, either.endpoint_url)
    sent = store.put_stream("large", [_CHUNK] * _CHUNKS, content_type="video/mp4", max_bytes=len(_CHUNK) * _CHUNKS)
    received = store.download("large", tmp_path / "copy", max_bytes=len(_CHUNK) * _CHUNKS)
    assert sent == received
    assert sent.sha256_hex == hashlib.sha256(_CHUNK * _CHUNKS).hexdigest()
    head = client.head_object(Bucket=either.bucket, Key="large")
    assert head["ETag"].strip('"').endswith("-3"), "the tag of an object in parts ends with their number"
    assert head["Metadata"] == {"sha256": sent.sha256_hex}
    assert (head["ContentType"], head["CacheControl"]) == ("video/mp4", "private, max-age=31536000, immutable")


def test_an_upload_that_fails_leaves_no_parts(either: S3Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    store, client = S3Store(either), s3_client(either, either.endpoint_url)
    parts = 0

    def refuse(**request: Any) -> None:
        nonlocal parts
        parts += 1
        if parts == 2:
            request["params"]["headers"]["x-amz-content-sha256"] = "0" * 64
            request["params"]["body"] = b""

    store._client.meta.events.register("before-call.s3.UploadPart", refuse)
    with pytest.raises(StorageError):
        store.put_stream("large", [_CHUNK] * _CHUNKS, content_type="video/mp4", max_bytes=len(_CHUNK) * _CHUNKS)
    assert parts >= 2
    assert list(unfinished(client, either.bucket, "")) == []
    assert list(store.list()) == []


def test_the_parts_of_a_writer_that_died_are_removed_once_they_are_old(s3_server: EmbeddedS3, store: S3Store) -> None:
    settings = s3_server.settings
    client = s3_client(settings, settings.endpoint_url)
    for key in ("ours", "foreign"):
        client.create_multipart_upload(Bucket=settings.bucket, Key=key)
    now = datetime.now(UTC)
    assert store.abort_uploads(now - timedelta(hours=1), lambda key: key == "ours") == 0
    assert store.abort_uploads(now + timedelta(hours=1), lambda key: key == "ours") == 1
    assert [each.key for each in unfinished(client, settings.bucket, "")] == ["foreign"]
    assert store.abort_uploads(now + timedelta(hours=1), lambda _: True) == 1
