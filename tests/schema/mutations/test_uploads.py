"""A selfie is uploaded with a form to the object store, then checked."""

from __future__ import annotations

import hashlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from pillow_heif import register_heif_opener
from structlog.testing import capture_logs

from jobs.media import ImageFacts, clean_selfie, operations
from jobs.media.limits import PICTURE_CHILD
from jobs.requesting import uploads
from jobs.upkeep.retention import purge_posted
from schema.ids import IdKind, encode_id
from storage import S3Store, StoredObject
from tests.schema.mutations.uploading import COMPLETE, CREATE, complete, noise, post, upload
from tests.support.databases import unique_name
from tests.support.partners import Partner, partner
from tests.support.serving import Caller, Server

register_heif_opener()


def test_an_uploaded_picture_is_checked_and_can_be_fetched(uploader: Caller) -> None:
    asset_id = upload(uploader, noise())
    payload = complete(uploader, asset_id)
    assert (payload["asset"]["state"], payload["asset"]["width"], payload["userErrors"]) == ("READY", 800, [])
    fetched = httpx.get(payload["asset"]["url"])
    assert (fetched.status_code, len(fetched.content)) == (200, payload["asset"]["sizeBytes"])
    again = complete(uploader, asset_id)
    assert again["asset"] | {"url": ""} == payload["asset"] | {"url": ""}


def test_a_file_that_is_not_a_picture_is_rejected_for_good(uploader: Caller) -> None:
    """The caller gets only the reason; the log gets the details."""
    asset_id = upload(uploader, b"this is not a picture")
    with capture_logs() as lines:
        for _ in range(2):
            payload = complete(uploader, asset_id)
            assert payload["asset"] is None
            assert [(error["code"], error["path"]) for error in payload["userErrors"]] == [
                ("UNSUPPORTED_MEDIA", ["input", "assetId"])
            ]
    (line,) = [line for line in lines if line["event"] == "an upload was rejected"]
    assert line["asset_id"] == asset_id
    assert "WrongType" in line["reason"]
    assert "WrongType" not in payload["userErrors"][0]["message"]


def test_an_interrupted_check_rejects_nothing(uploader: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    asset_id = upload(uploader, noise())
    with monkeypatch.context() as patched:
        patched.setattr(operations, "PICTURE_CHILD", replace(PICTURE_CHILD, wall_s=0.0))
        error = uploader.fail(COMPLETE, id=asset_id)
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("SERVICE_UNAVAILABLE", True)
    assert complete(uploader, asset_id)["asset"]["state"] == "READY"


def test_a_picture_whose_check_is_interrupted_twice_is_rejected_for_good(
    uploader: Caller, store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset_id = upload(uploader, noise())
    monkeypatch.setattr(operations, "PICTURE_CHILD", replace(PICTURE_CHILD, wall_s=0.0))
    assert uploader.fail(COMPLETE, id=asset_id)["extensions"]["retryable"] is True
    for _ in range(2):
        [error] = complete(uploader, asset_id)["userErrors"]
        assert (error["code"], error["path"]) == ("UNSUPPORTED_MEDIA", ["input", "assetId"])
        assert "Save it again as a JPEG" in error["message"]
    assert list(store.list()) == []


@pytest.mark.media
@pytest.mark.parametrize("of_the_same_account", [False, True])
def test_uploads_of_one_caller_do_not_delay_those_of_another(
    storing: Server, monkeypatch: pytest.MonkeyPatch, of_the_same_account: bool
) -> None:
    """One user has more checks under way than there are places; they end only after the other's has ended."""
    account = partner(storing, unique_name("account"))
    other = account if of_the_same_account else partner(storing, unique_name("other"))
    uploader, hostile, may_end, real = account.user("ada"), other.user("eve"), threading.Event(), clean_selfie
    asset_ids = [upload(hostile, b"hostile") for _ in range(10)]
    honest_id = upload(uploader, noise())

    def slow(raw: Path, cleaned: Path) -> ImageFacts:
        if raw.read_bytes() == b"hostile":
            may_end.wait(60)
        return real(raw, cleaned)

    monkeypatch.setattr(uploads, "clean_selfie", slow)
    with ThreadPoolExecutor(10) as pool:
        waiting = [pool.submit(complete, hostile, asset_id) for asset_id in asset_ids]
        try:
            assert complete(uploader, honest_id)["asset"]["state"] == "READY"
            assert not any(each.done() for each in waiting)
        finally:
            may_end.set()
        codes = [each.result()["userErrors"][0]["code"] for each in waiting]
    assert codes == ["UNSUPPORTED_MEDIA"] * 10


def test_an_upload_without_a_file_cannot_be_completed(uploader: Caller) -> None:
    asset_id = uploader.ask(CREATE, type="image/png")["createUpload"]["asset"]["id"]
    [error] = complete(uploader, asset_id)["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID", ["input", "assetId"])


def test_a_second_completion_returns_the_same_as_the_first(uploader: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    asset_id, responses = upload(uploader, noise()), []
    real = S3Store.download

    def second(*given: Any, **more: Any) -> StoredObject:
        monkeypatch.undo()
        responses.append(complete(uploader, asset_id))
        return real(*given, **more)

    monkeypatch.setattr(S3Store, "download", second)
    responses.append(complete(uploader, asset_id))
    assert [response["userErrors"] for response in responses] == [[], []]
    assert responses[0]["asset"] | {"url": ""} == responses[1]["asset"] | {"url": ""}


def test_a_slow_completion_does_not_overwrite_a_newer_picture(
    uploader: Caller, store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After one request has cleaned the first picture, a second picture is posted to the same form and completed."""
    made = uploader.ask(CREATE, type="image/jpeg")["createUpload"]
    asset_id, responses = made["asset"]["id"], []
    post(made["form"], noise())
    real = clean_selfie

    def overtaken(raw: Path, cleaned: Path) -> ImageFacts:
        monkeypatch.undo()
        facts = real(raw, cleaned)
        post(made["form"], noise())
        responses.append(complete(uploader, asset_id))
        return facts

    monkeypatch.setattr(uploads, "clean_selfie", overtaken)
    responses.append(complete(uploader, asset_id))
    assert responses[0]["asset"] | {"url": ""} == responses[1]["asset"] | {"url": ""}
    kept = httpx.get(responses[1]["asset"]["url"]).content
    assert hashlib.sha256(kept).hexdigest() == responses[1]["asset"]["sha256"]
    names = [each.key.rpartition("/")[2] for each in store.list()]
    assert {name.partition(".")[0].rpartition("-")[2] for name in names[:3]} == {"320", "640", "800"}
    assert len(names) == 4


@pytest.mark.parametrize(("kind", "content_type"), [("HEIF", "image/heic"), ("AVIF", "image/avif")])
def test_a_phones_picture_is_accepted(uploader: Caller, kind: str, content_type: str) -> None:
    file = io.BytesIO()
    Image.effect_noise((400, 300), 80).convert("RGB").save(file, kind)
    asset_id = upload(uploader, file.getvalue(), content_type)
    asset = complete(uploader, asset_id)["asset"]
    assert (asset["state"], asset["width"], asset["height"]) == ("READY", 400, 300)
    shown = httpx.get(
        uploader.ask("query ($id: ID!) { asset(id: $id) { url(width: 320) } }", id=asset_id)["asset"]["url"]
    )
    assert shown.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(shown.content)).size == (320, 240)


def test_the_limits_are_known_before_the_upload_and_the_form_keeps_them(uploader: Caller) -> None:
    limits = uploader.ask("{ uploadLimits { contentTypes maxBytes minSidePixels maxPixels maxAspectRatio } }")[
        "uploadLimits"
    ]
    assert limits["maxBytes"] == 20 * 2**20
    assert (limits["minSidePixels"], limits["maxPixels"], limits["maxAspectRatio"]) == (256, 70_000_000, 4.0)
    for content_type in limits["contentTypes"]:
        form = uploader.ask(CREATE, type=content_type)["createUpload"]["form"]
        assert form["maxBytes"] == limits["maxBytes"]
    fields = {field["name"]: field["value"] for field in form["fields"]}
    refused = httpx.post(form["url"], data=fields, files={"file": bytes(limits["maxBytes"] + 1)})
    assert refused.status_code == 400
    assert "EntityTooLarge" in refused.text


def test_uploads_of_others_do_not_exist_for_the_caller(acme: Partner, rival: Partner) -> None:
    asset_id = acme.ask(CREATE, type="image/png")["createUpload"]["asset"]["id"]
    for caller, given, code in (
        (rival, asset_id, "NOT_FOUND"),
        (acme.user(), asset_id, "NOT_FOUND"),
        (acme, encode_id(IdKind.ASSET, acme.principal.account_id), "NOT_FOUND"),
        (acme, "nonsense", "INVALID"),
    ):
        [error] = complete(caller, given)["userErrors"]
        assert (error["code"], error["path"]) == (code, ["input", "assetId"])


@pytest.mark.parametrize("kind", ["image/gif", "text/html", ""])
def test_only_pictures_are_accepted(acme: Partner, kind: str) -> None:
    payload = acme.ask(CREATE, type=kind)["createUpload"]
    assert (payload["asset"], payload["form"]) == (None, None)
    assert [(error["code"], error["path"]) for error in payload["userErrors"]] == [
        ("INVALID", ["input", "contentType"])
    ]


def test_an_unreachable_store_is_a_transient_error(acme: Partner) -> None:
    asset_id = acme.ask(CREATE, type="image/png")["createUpload"]["asset"]["id"]
    error = acme.fail(COMPLETE, id=asset_id)
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("SERVICE_UNAVAILABLE", True)


def test_a_form_that_is_posted_again_leaves_nothing(storing: Server, uploader: Caller, store: S3Store) -> None:
    made = uploader.ask(CREATE, type="image/jpeg")["createUpload"]
    post(made["form"], noise())
    assert complete(uploader, made["asset"]["id"])["userErrors"] == []
    cleaned = [each.key for each in store.list()]
    post(made["form"], noise())
    assert len(list(store.list())) == len(cleaned) + 1
    assert purge_posted(storing.engine, store) == 1
    assert [each.key for each in store.list()] == cleaned
