"""`diorama doctor --store` finds what a store lacks, says what to do, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from diorama.doctor.findings import Finding, report
from diorama.doctor.store import checked, examine_store
from diorama.doctor.store_checks import CHECKS
from diorama.embedded import EmbeddedS3
from storage import Encryption, S3Settings, S3Store
from storage.client import s3_client
from storage.uploads import unfinished
from tests.support.faulty_s3 import Fault, Pass, Request, Response, faulty
from tests.support.moto_server import moto_server


@pytest.fixture(scope="module")
def moto() -> Iterator[S3Settings]:
    with moto_server() as settings:
        S3Store(settings).ensure_bucket()
        yield settings


def wrong(findings: list[Finding]) -> set[str]:
    return {found.what for found in findings if found.ok is not True}


def assert_empty(settings: S3Settings) -> None:
    assert list(S3Store(settings).list()) == []
    assert list(unfinished(s3_client(settings, settings.endpoint_url), settings.bucket, "")) == []


def test_a_store_that_does_everything_passes(s3_server: EmbeddedS3, store: S3Store) -> None:
    findings = list(checked(replace(s3_server.settings, key_prefix="app/", encryption=Encryption("AES256"))))
    assert wrong(findings) == set(), findings
    assert len(findings) == len(CHECKS) + 1
    assert report(Console(file=StringIO()), findings) == 0
    assert_empty(s3_server.settings)


def test_a_store_that_checks_neither_policies_nor_expiry_is_found_out(moto: S3Settings) -> None:
    findings = list(checked(moto))
    assert wrong(findings) == {"expiry of a signed address", "form: size", "form: type", "form: key"}
    assert report(Console(file=StringIO()), findings) == 1
    assert_empty(moto)


def ignoring_conditions(request: Request, forward: Pass) -> Response:
    return Response(200, {"etag": '"0"'}) if "if-none-match" in request.headers else forward(request)


def altering_bytes(request: Request, forward: Pass) -> Response:
    got = forward(request)
    return replace(got, body=got.body.replace(b"0123", b"3210")) if request.method == "GET" else got


def finding_what_is_not_there(request: Request, forward: Pass) -> Response:
    got = forward(request)
    found = {"last-modified": "Sun, 29 Nov 2026 00:00:00 GMT"}
    return Response(200, found) if got.status == 404 and request.method == "HEAD" else got


def serving_what_is_not_there(request: Request, forward: Pass) -> Response:
    got = forward(request)
    return Response(200, {}, b"?") if got.status == 404 and request.method == "GET" else got


def without_forms(request: Request, forward: Pass) -> Response:
    return Response(405, {}) if "multipart/form-data" in request.headers.get("content-type", "") else forward(request)


def losing_metadata(request: Request, forward: Pass) -> Response:
    return forward(request).without("x-amz-meta")


def failing_later_pages(request: Request, forward: Pass) -> Response:
    return (
        forward(replace(request, path=request.path)) if "start-after=check" not in request.path else Response(500, {})
    )


def keeping_what_is_deleted(request: Request, forward: Pass) -> Response:
    emptied = b"<DeleteResult></DeleteResult>"
    return Response(200, {}, emptied) if request.path.endswith("?delete") else forward(request)


def without_parts(request: Request, forward: Pass) -> Response:
    refused = b"<Error><Code>NotImplemented</Code></Error>"
    return Response(501, {}, refused) if request.path.endswith("?uploads") else forward(request)


def without_encryption(request: Request, forward: Pass) -> Response:
    return forward(request).without("x-amz-server-side-encryption")


def ignoring_ranges(request: Request, forward: Pass) -> Response:
    return forward(replace(request, headers={k: v for k, v in request.headers.items() if k != "range"}))


def losing_the_name(request: Request, forward: Pass) -> Response:
    return forward(request).without("content-disposition")


def open_to_all(request: Request, forward: Pass) -> Response:
    got = forward(request)
    return replace(got, status=200) if request.method == "GET" and got.status == 403 else got


def accepting_every_form(request: Request, forward: Pass) -> Response:
    got = forward(request)
    return Response(204, {}) if "multipart/form-data" in request.headers.get("content-type", "") else got


def without_cors(request: Request, forward: Pass) -> Response:
    return forward(request).without("access-control")


def an_hour_ahead(request: Request, forward: Pass) -> Response:
    got = forward(request)
    return replace(got, headers={**got.headers, "date": "Sun, 29 Nov 2099 00:00:00 GMT"})


@pytest.mark.parametrize(
    ("what", "fault", "advice"),
    [
        ("conditional writes", ignoring_conditions, "is ignored; nothing here depends on it"),
        ("bytes and digest", altering_bytes, "ObjectAltered"),
        ("HEAD, type and metadata", losing_metadata, "metadata is lost"),
        ("missing objects", finding_what_is_not_there, "HEAD finds an object that was never written"),
        ("missing objects", serving_what_is_not_there, "ObjectAltered"),
        ("form", without_forms, "a form gets HTTP 405 with 0 bytes: check S3_PUBLIC_ENDPOINT_URL"),
        ("listing in pages", failing_later_pages, "StorageUnavailable"),
        ("batch deletion, odd names", keeping_what_is_deleted, "needs s3:DeleteObject"),
        ("objects in parts", without_parts, "does not offer it"),
        ("unfinished uploads", without_parts, "refused it (NotImplemented)"),
        ("encryption", without_encryption, "encrypted with nothing, not AES256"),
        ("signed address", altering_bytes, "check S3_PUBLIC_ENDPOINT_URL"),
        ("range of a signed address", ignoring_ranges, "players could not seek"),
        ("name for saving", losing_the_name, "must pass the query on"),
        ("address without signature", open_to_all, "make it private"),
        ("expiry of a signed address", open_to_all, "must not keep it"),
        ("form: size", accepting_every_form, "more bytes than its policy allows"),
        ("form: type", accepting_every_form, "another type"),
        ("form: key", accepting_every_form, "another key"),
        ("CORS", without_cors, "set CORS rules"),
        ("clock", an_hour_ahead, "synchronize both with NTP"),
    ],
)
def test_each_lack_is_found_and_has_its_advice(
    s3_server: EmbeddedS3, store: S3Store, what: str, fault: Fault, advice: str
) -> None:
    (check,) = [each for each in CHECKS if each.what == what]
    with faulty(s3_server.endpoint_url, fault) as url:
        settings = replace(s3_server.settings, endpoint_url=url, encryption=Encryption("AES256"))
        found, *_ = [each for each in checked(settings, (check,)) if each.what in (what, "store")]
    assert found.what == what
    assert found.ok is (False if check.is_needed else None)
    assert advice in found.detail
    if fault is not keeping_what_is_deleted:
        assert_empty(s3_server.settings)


def test_what_could_not_be_deleted_is_named(s3_server: EmbeddedS3, store: S3Store) -> None:
    with faulty(s3_server.endpoint_url, keeping_what_is_deleted) as url:
        *_, left = checked(replace(s3_server.settings, endpoint_url=url), CHECKS[1:2])
    assert (left.what, left.ok) == ("left behind", False)
    assert all(each.key in left.detail or each.key.count("/") == 1 for each in store.list())


def test_a_store_that_cannot_be_used_is_one_finding(s3_server: EmbeddedS3) -> None:
    (found,) = checked(replace(s3_server.settings, secret_access_key="guessed"))
    assert (found.what, found.ok) == ("store", False)
    assert "SignatureDoesNotMatch" in found.detail


def test_missing_settings_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    (found,) = examine_store()
    assert (found.what, found.ok) == ("settings", False)
    assert "S3_BUCKET is not set" in found.detail
