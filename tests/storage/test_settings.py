"""A prefix, encryption and the form of addresses are settings, and signed addresses and forms work with each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from botocore.loaders import JSONFileLoader

from diorama.embedded import EmbeddedS3
from storage import Encryption, S3Settings, S3Store
from storage.client import s3_client
from storage.errors import ObjectMissing
from tests.storage.test_signed_addresses import post

CONTENT = b"0123456789"


def put(store: S3Store, key: str) -> None:
    store.put_stream(key, [CONTENT], content_type="image/png", max_bytes=10)


def test_every_operation_stays_within_the_prefix(either: S3Settings, tmp_path: Path) -> None:
    plain, prefixed = S3Store(either), S3Store(replace(either, key_prefix="team/app/"))
    put(plain, "other")
    put(prefixed, "a")
    put(prefixed, "b")
    assert post(prefixed.presigned_post("c", content_type="image/png", max_bytes=10, expires_s=60), b"x").is_success
    assert [each.key for each in prefixed.list()] == ["a", "b", "c"]
    assert [each.key for each in prefixed.list(after="a")] == ["b", "c"]
    assert [each.key for each in plain.list()] == ["other", "team/app/a", "team/app/b", "team/app/c"]
    assert httpx.get(prefixed.presigned_get("a", expires_s=60)).content == CONTENT
    assert prefixed.download("a", tmp_path / "copy", max_bytes=10).key == "a"
    assert prefixed.head("a") is not None
    assert prefixed.head("other") is None
    with pytest.raises(ObjectMissing):
        prefixed.download("other", tmp_path / "copy", max_bytes=10)
    prefixed.check()
    assert prefixed.delete(["a", "b", "c", "other"]) == 4
    assert [each.key for each in plain.list()] == ["other"]


def test_what_we_write_and_what_a_browser_posts_is_encrypted_as_set(either: S3Settings) -> None:
    store = S3Store(replace(either, encryption=Encryption("AES256")))
    put(store, "put")
    form = store.presigned_post("posted", content_type="image/png", max_bytes=10, expires_s=60)
    assert post(form, CONTENT).is_success
    assert httpx.get(store.presigned_get("put", expires_s=60)).content == CONTENT
    assert _encryption(either, "put") == "AES256"
    assert form.fields["x-amz-server-side-encryption"] == "AES256"


def test_a_browser_cannot_post_without_the_encryption(s3_server: EmbeddedS3, store: S3Store) -> None:
    encrypting = S3Store(replace(s3_server.settings, encryption=Encryption("AES256")))
    form = encrypting.presigned_post("posted", content_type="image/png", max_bytes=10, expires_s=60)
    assert not post(form, CONTENT, **{"x-amz-server-side-encryption": "none"}).is_success
    assert list(store.list()) == []


def test_the_key_of_the_encryption_is_ours_to_choose(moto: S3Settings) -> None:
    store = S3Store(replace(moto, encryption=Encryption("aws:kms", "our-key")))
    put(store, "put")
    client = s3_client(moto, moto.endpoint_url)
    assert client.head_object(Bucket=moto.bucket, Key="put")["SSEKMSKeyId"] == "our-key"
    form = store.presigned_post("posted", content_type="image/png", max_bytes=10, expires_s=60)
    assert form.fields["x-amz-server-side-encryption-aws-kms-key-id"] == "our-key"
    assert post(form, CONTENT).is_success
    store.delete(["put", "posted"])


def _encryption(settings: S3Settings, key: str) -> str:
    client = s3_client(settings, settings.endpoint_url)
    return str(client.head_object(Bucket=settings.bucket, Key=key).get("ServerSideEncryption"))


@pytest.mark.parametrize(
    ("path_style", "endpoint_url", "beginning"),
    [
        (None, "https://s3.example.com", "https://s3.example.com/diorama/key?"),
        (False, "https://s3.example.com", "https://diorama.s3.example.com/key?"),
        (None, None, "https://diorama.s3.eu-central-1.amazonaws.com/key?"),
        (True, None, "https://s3.eu-central-1.amazonaws.com/diorama/key?"),
    ],
)
def test_addresses_have_the_bucket_where_the_settings_put_it(
    s3_server: EmbeddedS3, path_style: bool | None, endpoint_url: str | None, beginning: str
) -> None:
    settings = replace(
        s3_server.settings, endpoint_url=endpoint_url, path_style=path_style, region="eu-central-1", bucket="diorama"
    )
    store = S3Store(settings)
    assert store.presigned_get("key", expires_s=60).startswith(beginning)
    form = store.presigned_post("key", content_type="image/png", max_bytes=10, expires_s=60)
    assert f"{form.url.rstrip('/')}/" == beginning.removesuffix("key?")


def test_one_reading_of_the_description_of_s3_serves_all_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = S3Settings("bucket", "key", "secret")
    s3_client(settings, None)
    monkeypatch.delattr(JSONFileLoader, "load_file")
    assert s3_client(settings, None) is not s3_client(settings, None)
