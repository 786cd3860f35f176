"""Whatever is uploaded is refused with a reason or becomes pixels only, and costs other callers no place."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from jobs.media import ImageFacts, clean_selfie
from jobs.media.errors import NOT_PROCESSED
from jobs.requesting import uploads
from storage import S3Store
from tests.jobs.media.hostile import saved
from tests.jobs.media.hostile_uploads import SECRET, hostile_upload
from tests.jobs.media.making import jpeg_segments
from tests.schema.mutations.uploading import COMPLETE, CREATE
from tests.support.databases import unique_name
from tests.support.partners import partner
from tests.support.serving import Caller, serving

pytestmark = pytest.mark.media

PIXELS_ONLY = {0xE0, 0xDB, 0xC0, 0xC4}
IN_A_BARE_WEBP = {b"VP8 ", b"VP8L"}
# As many as the queue of one user has room for.
AT_ONCE = 10
OF_ONE_USER = 2


class Checks:
    """The checks of pictures that are under way. Those of hostile ones do not end before `may_end`."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.most = 0
        self._running = 0
        self._lock = threading.Lock()

    def clean(self, raw: Path, cleaned: Path) -> ImageFacts:
        if raw.read_bytes() == HONEST:
            return clean_selfie(raw, cleaned)
        with self._lock:
            self._running += 1
            self.most = max(self.most, self._running)
        try:
            self.may_end.wait(120)
            return clean_selfie(raw, cleaned)
        finally:
            with self._lock:
                self._running -= 1


HONEST = saved(Image.effect_noise((800, 900), 80).convert("RGB"), "JPEG")


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Checks]:
    made = Checks()
    monkeypatch.setattr(uploads, "clean_selfie", made.clean)
    yield made
    made.may_end.set()


def _uploaded(caller: Caller, content_type: str, content: bytes) -> str:
    made = caller.ask(CREATE, type=content_type)["createUpload"]
    fields = {field["name"]: field["value"] for field in made["form"]["fields"]}
    httpx.post(made["form"]["url"], data=fields, files={"file": content}, timeout=60).raise_for_status()
    asset_id: str = made["asset"]["id"]
    return asset_id


def _completed(caller: Caller, asset_id: str) -> dict[str, Any]:
    """Complete an upload, again where the check came to no verdict: the second time it must."""
    for _ in range(2):
        body = caller.post(COMPLETE, {"id": asset_id}).json()
        if "errors" not in body:
            break
        assert body["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    payload: dict[str, Any] = body["data"]["completeUpload"]
    return payload


def _outcome(payload: dict[str, Any]) -> str:
    if payload["asset"]:
        assert payload["asset"]["state"] == "READY"
        return "ready"
    [error] = payload["userErrors"]
    assert (error["code"], error["path"]) == ("UNSUPPORTED_MEDIA", ["input", "assetId"])
    assert error["message"].endswith(".")
    assert error["message"] != NOT_PROCESSED
    assert SECRET.decode() not in error["message"]
    return "refused"


def assert_only_pixels(data: bytes) -> None:
    """Assert that a stored picture is a working copy or a smaller one, with nothing of its source but pixels."""
    assert SECRET not in data
    assert len(data) < 1_000_000
    with Image.open(io.BytesIO(data), formats=["JPEG", "WEBP"]) as picture:
        picture.load()
        assert max(picture.size) <= 1536
        assert (picture.mode, getattr(picture, "n_frames", 1)) == ("RGB", 1)
        if picture.format == "JPEG":
            assert set(jpeg_segments(data)) <= PIXELS_ONLY
            # In the picture's own data this pair of bytes cannot occur.
            assert data.index(b"\xff\xd9") == len(data) - 2
        else:
            assert data[12:16] in IN_A_BARE_WEBP
            assert int.from_bytes(data[4:8], "little") + 8 == len(data)


def _stored(store: S3Store, folder: Path) -> Iterator[bytes]:
    for each in store.list():
        store.download(each.key, folder / "stored", max_bytes=2**20)
        yield (folder / "stored").read_bytes()


@pytest.mark.parametrize(
    ("first", "count"),
    [(0, 60), *(pytest.param(first, 100, marks=pytest.mark.thorough) for first in range(0, 500, 100))],
)
def test_hostile_pictures_become_pixels_or_are_refused_beside_an_honest_one(
    api_database: str, store: S3Store, checks: Checks, tmp_path: Path, first: int, count: int
) -> None:
    """The honest one is ready while those of another caller have every place that they can get."""
    with serving(api_database, store=store) as server:
        honest = partner(server, unique_name("honest")).user()
        hostile = partner(server, unique_name("hostile")).user()
        sent = [_uploaded(hostile, *hostile_upload(number)) for number in range(first, first + count)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            waiting = [pool.submit(_completed, hostile, asset_id) for asset_id in sent]
            began = time.monotonic()
            assert _outcome(_completed(honest, _uploaded(honest, "image/jpeg", HONEST))) == "ready"
            took_s = time.monotonic() - began
            assert not any(each.done() for each in waiting)
            checks.may_end.set()
            outcomes = Counter(_outcome(each.result()) for each in waiting)
    sys.stdout.write(f"{dict(outcomes)}; the honest one took {took_s:.1f} s\n")
    assert checks.most <= OF_ONE_USER
    assert set(outcomes) == {"ready", "refused"}
    stored = list(_stored(store, tmp_path))
    assert len(stored) > outcomes["ready"]
    for data in stored:
        assert_only_pixels(data)
