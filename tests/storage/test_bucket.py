"""The first process creates the bucket, once, and the bucket keeps the CORS rules that its operator set."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from diorama.embedded import EmbeddedS3
from storage import S3Settings, S3Store
from storage.client import s3_client
from tests.support.databases import unique_name

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import CORSRuleTypeDef


@pytest.fixture
def settings(s3_server: EmbeddedS3) -> S3Settings:
    """Return settings that name a bucket which does not exist yet."""
    return replace(s3_server.settings, bucket=unique_name("bucket"))


def test_a_missing_bucket_is_created(settings: S3Settings) -> None:
    store = S3Store(settings)
    store.ensure_bucket()
    assert list(store.list()) == []


def test_several_processes_may_create_the_bucket_at_once(settings: S3Settings) -> None:
    stores = [S3Store(settings) for _ in range(4)]
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(S3Store.ensure_bucket, stores))
    assert list(stores[0].list()) == []


def test_the_second_process_uses_the_bucket_that_the_first_created(
    settings: S3Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both processes checked before either had created it."""
    S3Store(settings).ensure_bucket()
    monkeypatch.setattr("storage.bucket.exists", lambda *_: False)
    S3Store(settings).ensure_bucket()


def test_a_bucket_outside_the_default_region_is_created_there(settings: S3Settings) -> None:
    store = S3Store(replace(settings, region="eu-central-1"))
    store.ensure_bucket()
    assert list(store.list()) == []


def test_the_operators_own_cors_rules_are_kept(settings: S3Settings) -> None:
    store, client = S3Store(settings), s3_client(settings, settings.endpoint_url)
    store.ensure_bucket()
    own: CORSRuleTypeDef = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://app.example.com"]}
    client.put_bucket_cors(Bucket=settings.bucket, CORSConfiguration={"CORSRules": [own]})
    store.ensure_bucket()
    kept = client.get_bucket_cors(Bucket=settings.bucket)["CORSRules"]
    assert [(rule["AllowedMethods"], rule["AllowedOrigins"]) for rule in kept] == [
        (["GET"], ["https://app.example.com"])
    ]
