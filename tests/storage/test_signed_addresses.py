"""Signed addresses and forms let browsers and the provider read or write one object, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from diorama.embedded import EmbeddedS3
from storage import PresignedPost, S3Store
from storage.steady import lifetime_of, signed_at, window_of


def post(form: PresignedPost, content: bytes, **changed: str) -> httpx.Response:
    """Post a file as a browser would, with some of the form's fields changed."""
    return httpx.post(form.url, data={**form.fields, **changed}, files={"file": ("selfie.png", content)})


@pytest.fixture
def form(store: S3Store) -> PresignedPost:
    return store.presigned_post("uploads/1", content_type="image/png", max_bytes=10, expires_s=60)


def test_a_signed_address_reads_without_a_key(store: S3Store) -> None:
    store.put_stream("key", [b"0123456789"], content_type="text/plain", max_bytes=10)
    response = httpx.get(store.presigned_get("key", expires_s=60))
    assert (response.status_code, response.content, response.headers["content-type"]) == (
        200,
        b"0123456789",
        "text/plain",
    )


def test_a_player_can_request_a_range(store: S3Store) -> None:
    store.put_stream("key", [b"0123456789"], content_type="video/mp4", max_bytes=10)
    response = httpx.get(store.presigned_get("key", expires_s=60), headers={"Range": "bytes=2-4"})
    assert (response.status_code, response.content, response.headers["content-range"]) == (206, b"234", "bytes 2-4/10")


def test_an_address_without_its_signature_reads_nothing(store: S3Store) -> None:
    store.put_stream("key", [b"secret"], content_type="text/plain", max_bytes=10)
    assert httpx.get(store.presigned_get("key", expires_s=60).split("?")[0]).status_code == 403


def test_a_signature_is_valid_only_for_its_own_key(store: S3Store) -> None:
    store.put_stream("other", [b"secret"], content_type="text/plain", max_bytes=10)
    address = store.presigned_get("key", expires_s=60).replace("/key?", "/other?")
    assert httpx.get(address).status_code == 403


def test_an_address_expires_after_the_requested_time(store: S3Store) -> None:
    query = parse_qs(urlsplit(store.presigned_get("key", expires_s=77)).query)
    assert query["X-Amz-Expires"] == ["77"]


@pytest.mark.parametrize("filename", ["film.mp4", 'Öl "und" Wasser\n.mp4'])
def test_a_browser_receives_the_name_for_saving(store: S3Store, filename: str) -> None:
    store.put_stream("key", [b"film"], content_type="video/mp4", max_bytes=10)
    header = httpx.get(store.presigned_get("key", expires_s=60, filename=filename)).headers["content-disposition"]
    plain, _, exact = header.partition("; filename*=UTF-8''")
    assert unquote(exact) == filename
    assert re.fullmatch(r'inline; filename="[^"\\]+"', plain)


def test_a_form_uploads_exactly_one_file_under_its_key(store: S3Store, form: PresignedPost) -> None:
    assert post(form, b"0123456789").status_code == 204
    response = httpx.get(store.presigned_get("uploads/1", expires_s=60))
    assert (response.content, response.headers["content-type"]) == (b"0123456789", "image/png")


@pytest.mark.parametrize(
    ("content", "changed"),
    [
        pytest.param(b"0123456789+", {}, id="larger than allowed"),
        pytest.param(b"", {}, id="empty"),
        pytest.param(b"<script>", {"Content-Type": "text/html"}, id="another type"),
        pytest.param(b"elsewhere", {"key": "uploads/2"}, id="another key"),
        pytest.param(b"01234", {"x-amz-meta-sha256": "00"}, id="a field that was not signed"),
    ],
)
def test_a_form_rejects_what_it_was_not_signed_for(
    store: S3Store, form: PresignedPost, content: bytes, changed: dict[str, str]
) -> None:
    assert post(form, content, **changed).status_code in (400, 403)
    assert list(store.list()) == []


def test_signed_addresses_name_the_public_host(s3_server: EmbeddedS3) -> None:
    public = S3Store(replace(s3_server.settings, public_endpoint_url="https://media.example.com"))
    assert public.presigned_get("key", expires_s=60).startswith(f"https://media.example.com/{s3_server.bucket}/key?")
    form = public.presigned_post("key", content_type="image/png", max_bytes=10, expires_s=60)
    assert form.url == f"https://media.example.com/{s3_server.bucket}"


def test_a_page_of_any_origin_may_read_and_post(store: S3Store, form: PresignedPost) -> None:
    origin = {"Origin": "https://app.example.com"}
    store.put_stream("key", [b"film"], content_type="video/mp4", max_bytes=10)
    read = httpx.get(store.presigned_get("key", expires_s=60), headers=origin)
    preflight = httpx.options(form.url, headers={**origin, "Access-Control-Request-Method": "POST"})
    assert read.headers["access-control-allow-origin"] in ("*", "https://app.example.com")
    assert preflight.headers["access-control-allow-origin"] in ("*", "https://app.example.com")


@pytest.mark.parametrize("expires_s", [60, 599, 600, 900, 86_400])
@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 599, 600, 1_000_000])
def test_a_steady_address_lasts_at_least_as_requested(expires_s: int, seconds: int) -> None:
    now, lifetime = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds), lifetime_of(expires_s)
    begin = signed_at(now, lifetime)
    assert now - timedelta(seconds=window_of(expires_s)) < begin <= now
    assert begin + timedelta(seconds=lifetime) >= now + timedelta(seconds=expires_s)
    assert {signed_at(begin + timedelta(seconds=each), lifetime) for each in range(window_of(expires_s))} == {begin}


def test_a_steady_address_stays_the_same_and_reads(store: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put_stream("key", [b"0123456789"], content_type="image/png", max_bytes=10)
    now = datetime.now(UTC)
    begin = signed_at(now, lifetime_of(900))
    addresses = []
    for seconds in (0, 1, 599, 600):
        at = begin + timedelta(seconds=seconds)
        monkeypatch.setattr(
            "storage.steady.datetime", SimpleNamespace(now=lambda _, at=at: at, fromtimestamp=datetime.fromtimestamp)
        )
        addresses.append(store.steady_get("key", expires_s=900, filename="a.png"))
    assert addresses[0] == addresses[1] == addresses[2] != addresses[3]
    response = httpx.get(addresses[0])
    assert (response.content, "immutable" in response.headers["cache-control"]) == (b"0123456789", True)
    assert httpx.get(addresses[0].replace("/key?", "/other?")).status_code == 403
    # Other addresses are signed for now, as the provider's inputs need.
    assert "X-Amz-Expires=77" in store.presigned_get("key", expires_s=77)
