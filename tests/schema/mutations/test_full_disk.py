"""A full disk of the API process rejects no picture: the call may be repeated, and the asset is still pending."""

from __future__ import annotations

import io
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from structlog.testing import capture_logs

from jobs.importing.fetching import PictureFetcher
from storage import S3Store
from tests.schema.mutations.test_imports import IMPORT
from tests.schema.mutations.uploading import COMPLETE, CREATE, post
from tests.support.databases import unique_name
from tests.support.partners import partner
from tests.support.picture_host import PictureHost, picture, picture_host
from tests.support.serving import Caller, Server, serving


@pytest.fixture(scope="module")
def content() -> bytes:
    file = io.BytesIO()
    Image.effect_noise((800, 900), 80).convert("RGB").save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def host(content: bytes) -> Iterator[PictureHost]:
    with picture_host(picture(content)) as running:
        yield running


@pytest.fixture
def server(api_database: str, store: S3Store, host: PictureHost) -> Iterator[Server]:
    with serving(api_database, store=store, fetcher=PictureFetcher(host.reach("127.0.0.1/32"))) as running:
        yield running


@pytest.fixture
def caller(server: Server) -> Caller:
    return partner(server, unique_name("uploader")).user()


@contextmanager
def _small_disk(folder: Path, size_bytes: int) -> Iterator[None]:
    """Mount a file system of this size, and use it for temporary files."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a file system of some kilobytes is not permitted here: it takes root")
    usual, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = usual
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.media
@pytest.mark.parametrize("fits", ["nothing", "the picture but not its copy"])
@pytest.mark.parametrize("way", ["completeUpload", "importAsset"])
def test_a_full_disk_rejects_nothing(
    caller: Caller, host: PictureHost, content: bytes, tmp_path: Path, way: str, fits: str
) -> None:
    """The first is met by the process itself, the second by the child that cleans the picture."""
    document, given = COMPLETE, {}
    if way == "importAsset":
        document, given = IMPORT, {"url": host.url(), "key": "k"}
    else:
        made = caller.ask(CREATE, type="image/jpeg")["createUpload"]
        post(made["form"], content)
        given = {"id": made["asset"]["id"]}
    room = 64 * 1024 + (0 if fits == "nothing" else len(content))
    with _small_disk(tmp_path, room), capture_logs() as lines:
        # More often than a check may be interrupted.
        errors: list[dict[str, Any]] = [caller.fail(document, **given) for _ in range(3)]
    assert [(each["extensions"]["code"], each["extensions"]["retryable"]) for each in errors] == [
        ("SERVICE_UNAVAILABLE", True)
    ] * 3
    line = next(line for line in lines if line["event"] == "no room on the disk")
    assert (line["folder"], "TMPDIR" in line["what_to_do"]) == (str(tmp_path), True)
    assert caller.ask(document, **given)[way]["asset"]["state"] == "READY"
