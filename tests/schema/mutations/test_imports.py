"""A selfie is imported from an address, and then is like one that was uploaded."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlalchemy import text
from structlog.testing import capture_logs

from jobs.importing.fetching import PictureFetcher
from storage import S3Store
from tests.support.databases import unique_name
from tests.support.partners import partner
from tests.support.picture_host import PictureHost, picture, picture_host, redirect, sends
from tests.support.serving import Caller, Server, serving

IMPORT = """
mutation ($url: URL!, $key: String!) {
  importAsset(input: {url: $url, idempotencyKey: $key}) {
    asset { id kind state width height sha256 url expiresAt } replayed userErrors { code path message }
  }
}
"""


@pytest.fixture
def host() -> Iterator[PictureHost]:
    with picture_host(picture(_picture())) as running:
        yield running


@pytest.fixture
def importing(api_database: str, store: S3Store, host: PictureHost) -> Iterator[Server]:
    """Yield a server that may fetch from the picture host, and from nothing else here."""
    fetcher = PictureFetcher(host.reach("127.0.0.1/32"))
    with serving(api_database, store=store, fetcher=fetcher) as running:
        yield running


@pytest.fixture
def importer(importing: Server) -> Caller:
    return partner(importing, unique_name("importer")).user()


def _picture() -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "a place and a time"
    Image.effect_noise((800, 900), 80).convert("RGB").save(file, "JPEG", exif=exif)
    return file.getvalue()


def _import(caller: Caller, url: str, key: str = "k") -> dict[str, Any]:
    payload: dict[str, Any] = caller.ask(IMPORT, url=url, key=key)["importAsset"]
    return payload


def test_an_imported_picture_is_cleaned_and_ready(importer: Caller, host: PictureHost) -> None:
    payload = _import(importer, host.url())
    asset = payload["asset"]
    assert (asset["kind"], asset["state"], asset["width"], payload["userErrors"]) == ("SELFIE", "READY", 800, [])
    assert asset["expiresAt"]
    content = httpx.get(asset["url"]).content
    assert b"a place and a time" not in content
    assert Image.open(io.BytesIO(content)).size == (800, 900)


def test_the_same_key_imports_once(importer: Caller, host: PictureHost) -> None:
    first, second = _import(importer, host.url()), _import(importer, host.url())
    assert second["asset"]["id"] == first["asset"]["id"]
    assert (first["replayed"], second["replayed"], len(host.requests)) == (False, True, 1)
    [error] = _import(importer, host.url(path="/other.jpg"))["userErrors"]
    assert error["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_an_import_that_failed_may_be_tried_again(importer: Caller, host: PictureHost) -> None:
    whole, host.respond = host.respond, sends(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    [error] = _import(importer, host.url())["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID", ["input", "url"])
    host.respond = whole
    assert _import(importer, host.url())["asset"]["state"] == "READY"


def test_a_refused_address_reads_like_one_that_does_not_respond(importer: Caller, host: PictureHost) -> None:
    """The difference would describe our network."""
    messages = set()
    for number, url in enumerate((host.url("127.0.0.2"), host.url("no-such-host.invalid"), host.url("[::1]"))):
        [error] = _import(importer, url, str(number))["userErrors"]
        messages.add(error["message"])
    host.respond = redirect("http://169.254.169.254/latest/meta-data/")
    [error] = _import(importer, host.url(), "redirected")["userErrors"]
    assert messages == {error["message"]}
    assert "createUpload" in error["message"]
    assert "169" not in error["message"]


@pytest.mark.parametrize("url", ["http://x.example:22/", "https://a:b@x.example/", "http://x.example:8080/"])
def test_an_address_of_another_form_is_refused_without_an_asset(importer: Caller, url: str) -> None:
    [error] = _import(importer, url)["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID", ["input", "url"])
    assert "port 80 or 443" in error["message"]


@pytest.mark.parametrize(
    ("content", "begins"), [(b"<html>no picture</html>", "The file is not a picture"), (b"", "The file is empty")]
)
def test_a_file_that_is_no_picture_is_rejected_for_good(
    importer: Caller, host: PictureHost, content: bytes, begins: str
) -> None:
    host.respond = picture(content)
    for _ in range(2):
        [error] = _import(importer, host.url())["userErrors"]
        assert (error["code"], error["path"]) == ("UNSUPPORTED_MEDIA", ["input", "url"])
        assert error["message"].startswith(begins)
    assert len(host.requests) == 1


def test_a_file_that_is_too_large_is_rejected_for_good(importer: Caller, host: PictureHost) -> None:
    host.respond = sends(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
    for _ in range(2):
        [error] = _import(importer, host.url())["userErrors"]
        assert (error["code"], error["path"]) == ("UNSUPPORTED_MEDIA", ["input", "url"])
        assert "20 MiB" in error["message"]
    assert len(host.requests) == 1


def test_the_address_is_kept_nowhere(importer: Caller, host: PictureHost, importing: Server) -> None:
    """It may contain a signature, or a name."""
    with capture_logs() as logs:
        _import(importer, host.url(path="/me.jpg?signature=s3cret"))
        host.respond = sends(b"")
        _import(importer, host.url(path="/me.jpg?signature=s3cret"), "other")
    assert logs
    assert "s3cret" not in str(logs)
    with importing.engine.connect() as conn:
        rows = conn.execute(text("SELECT a::text FROM assets a UNION ALL SELECT k::text FROM idempotency_keys k"))
        assert not [row for row in rows.scalars() if "s3cret" in row]


@dataclass
class SlowHost:
    """Requests whose path begins with /slow wait until they are released."""

    host: PictureHost
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    release: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._whole, self.host.respond = self.host.respond, self._respond

    def _respond(self, conn: Any) -> None:
        if b"/slow" in self.host.requests[-1]:
            self.begun.release()
            self.release.wait()
        self._whole(conn)

    def url(self, number: int) -> str:
        return self.host.url(path=f"/slow{number}")


@pytest.fixture
def slow(host: PictureHost) -> Iterator[SlowHost]:
    made = SlowHost(host)
    yield made
    made.release.set()


def _assert_another_imports(importing: Server, slow: SlowHost) -> None:
    """Assert that another user's import succeeds, and that none of the first user has begun in its place."""
    other = partner(importing, unique_name("other")).user()
    assert _import(other, slow.host.url(path="/fast"))["asset"]["state"] == "READY"
    assert not slow.begun.acquire(blocking=False), "a user has two places"


@pytest.mark.media
def test_others_are_served_while_hosts_are_slow(importing: Server, importer: Caller, slow: SlowHost) -> None:
    """More imports wait for the host than a user has places; another user imports meanwhile."""
    with ThreadPoolExecutor(4) as threads:
        for number in range(4):
            threads.submit(_import, importer, slow.url(number), str(number))
        slow.begun.acquire()
        slow.begun.acquire()
        try:
            _assert_another_imports(importing, slow)
        finally:
            slow.release.set()


@pytest.mark.media
def test_an_operation_that_is_completed_early_keeps_its_place(
    importing: Server, importer: Caller, slow: SlowHost
) -> None:
    """Its thread still waits for the host: giving the place away would let one user take every thread."""
    with importer.socket() as socket:
        begun = [socket.begin(IMPORT, url=slow.url(number), key=str(number)) for number in range(2)]
        slow.begun.acquire()
        slow.begun.acquire()
        for operation in begun:
            socket.send({"type": "complete", "id": operation})
        socket.begin(IMPORT, url=slow.url(2), key="2")
        _assert_another_imports(importing, slow)
        slow.release.set()
        assert socket.next()["importAsset"]["asset"]["state"] == "READY"
