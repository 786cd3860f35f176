"""Writing, reading, listing and deleting objects."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from storage import Content, ObjectAltered, ObjectMissing, ObjectTooLarge, S3Store, StoredObject

SPOOLED_BYTES = 20 * 1024 * 1024


def keys(store: S3Store, prefix: str = "") -> list[str]:
    return [found.key for found in store.list(prefix)]


def put(store: S3Store, key: str, content: bytes = b"content") -> StoredObject:
    return store.put_stream(key, [content], content_type="text/plain", max_bytes=len(content))


def read(store: S3Store, key: str, path: Path) -> bytes:
    store.download(key, path, max_bytes=1000)
    return path.read_bytes()


def test_a_stream_is_stored_unchanged(store: S3Store, tmp_path: Path) -> None:
    stored = store.put_stream("a/b", iter([b"one ", b"", b"two"]), content_type="text/plain", max_bytes=7)
    assert stored == StoredObject("a/b", 7, hashlib.sha256(b"one two").hexdigest(), "text/plain")
    assert read(store, "a/b", tmp_path / "copy") == b"one two"


def test_a_stream_too_large_for_memory_is_stored_unchanged(store: S3Store, tmp_path: Path) -> None:
    chunk = bytes(range(256)) * 4096
    sent = store.put_stream("large", (chunk for _ in range(20)), content_type="video/mp4", max_bytes=SPOOLED_BYTES)
    received = store.download("large", tmp_path / "copy", max_bytes=SPOOLED_BYTES)
    assert sent == received == StoredObject("large", SPOOLED_BYTES, sha256_of(tmp_path / "copy"), "video/mp4")


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_stream_beyond_its_limit_leaves_nothing(store: S3Store) -> None:
    with pytest.raises(ObjectTooLarge, match="more than the 10 bytes"):
        store.put_stream("big", iter([b"12345", b"67890", b"1"]), content_type="text/plain", max_bytes=10)
    assert keys(store) == []


def test_a_stream_beyond_its_limit_is_not_read_to_the_end(store: S3Store) -> None:
    chunks = iter([b"12345"] * 100)
    with pytest.raises(ObjectTooLarge):
        store.put_stream("big", chunks, content_type="text/plain", max_bytes=10)
    assert len(list(chunks)) == 97


def test_a_stream_that_fails_leaves_nothing_and_fails_with_its_own_error(store: S3Store) -> None:
    def breaking_off() -> Iterator[bytes]:
        yield b"12345"
        raise ConnectionResetError("the provider hung up")

    with pytest.raises(ConnectionResetError, match="hung up"):
        store.put_stream("half", breaking_off(), content_type="text/plain", max_bytes=10)
    assert keys(store) == []


def test_an_empty_stream_is_an_empty_object(store: S3Store, tmp_path: Path) -> None:
    assert store.put_stream("empty", [], content_type="text/plain", max_bytes=0).size_bytes == 0
    assert read(store, "empty", tmp_path / "copy") == b""


def test_a_file_is_stored_unchanged(store: S3Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\x00\xff" * 50)
    stored = store.put_file("file", tmp_path / "file", content_type="image/png")
    assert stored == StoredObject("file", 100, sha256_of(tmp_path / "file"), "image/png")
    assert read(store, "file", tmp_path / "copy") == b"\x00\xff" * 50


def test_writing_a_key_again_replaces_its_object(store: S3Store, tmp_path: Path) -> None:
    put(store, "key", b"first")
    put(store, "key", b"second")
    assert read(store, "key", tmp_path / "copy") == b"second"


def test_outputs_may_be_cached_forever_and_carry_their_digest(store: S3Store) -> None:
    stored = put(store, "key")
    headers = httpx.get(store.presigned_get("key", expires_s=60)).headers
    assert headers["cache-control"] == "private, max-age=31536000, immutable"
    assert headers["x-amz-meta-sha256"] == stored.sha256_hex


def test_a_missing_object_cannot_be_downloaded(store: S3Store, tmp_path: Path) -> None:
    with pytest.raises(ObjectMissing, match="nowhere"):
        store.download("nowhere", tmp_path / "copy", max_bytes=10)
    assert list(tmp_path.iterdir()) == []


def test_an_object_larger_than_allowed_is_not_downloaded(store: S3Store, tmp_path: Path) -> None:
    put(store, "key", b"12345678901")
    with pytest.raises(ObjectTooLarge, match="11 bytes, 10 are allowed"):
        store.download("key", tmp_path / "copy", max_bytes=10)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("written", [b"another", b"some other content"])
def test_an_object_with_other_bytes_is_not_read(store: S3Store, tmp_path: Path, written: bytes) -> None:
    first = put(store, "key")
    content = Content(first.size_bytes, first.sha256_hex)
    store.verify("key", content)
    put(store, "key", written)
    with pytest.raises(ObjectAltered, match="key"):
        store.verify("key", content)
    with pytest.raises(ObjectAltered, match="key"):
        store.download("key", tmp_path / "copy", max_bytes=100, content=content)
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_local_file_is_not_blamed_on_the_store(store: S3Store, tmp_path: Path) -> None:
    put(store, "key")
    with pytest.raises(FileNotFoundError):
        store.download("key", tmp_path / "no such directory" / "copy", max_bytes=10)


def test_head_returns_size_and_time(store: S3Store) -> None:
    put(store, "key", b"12345")
    found = store.head("key")
    assert found is not None
    assert (found.key, found.size_bytes, found.modified_at.tzinfo is not None) == ("key", 5, True)


def test_head_of_a_missing_object_is_none(store: S3Store) -> None:
    assert store.head("nowhere") is None


def test_deleting_removes_existing_objects_and_ignores_missing_ones(store: S3Store) -> None:
    put(store, "a")
    put(store, "b")
    assert store.delete(["a", "nowhere"]) == 2
    assert keys(store) == ["b"]


def test_deleting_nothing_is_fine(store: S3Store) -> None:
    assert store.delete([]) == 0


def test_a_listing_is_in_order_and_limited_to_its_prefix(store: S3Store) -> None:
    for key in ("jobs/2/b", "jobs/10/a", "jobs/1/a", "uploads/1"):
        put(store, key)
    assert keys(store, "jobs/1/") == ["jobs/1/a"]
    assert keys(store, "jobs/") == ["jobs/1/a", "jobs/10/a", "jobs/2/b"]


def test_a_listing_of_nothing_is_empty(store: S3Store) -> None:
    assert keys(store, "nowhere/") == []


def test_more_than_a_thousand_objects_are_listed_and_deleted(store: S3Store) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda number: put(store, f"many/{number:04}", b""), range(1001)))
    assert len(keys(store, "many/")) == 1001
    assert store.delete(found.key for found in store.list("many/")) == 1001
    assert keys(store, "many/") == []
