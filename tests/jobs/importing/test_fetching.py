"""A picture is fetched from what was checked, within its limits, and nothing of our own network is reached."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from jobs.importing.fetching import FetchLimits, FileTooLarge, NotFetched, PictureFetcher
from jobs.reach.connecting import Reach, resolve
from tests.support.picture_host import PictureHost, Responder, picture, picture_host, redirect, resolves, sends

CONTENT = b"a picture" * 1000
HERE = "127.0.0.0/8"
OK = b"HTTP/1.1 200 OK\r\n"
# Each limit alone: the other one ends nothing here.
SHORT_WAIT = FetchLimits(wait_s=0.2, total_s=3600)
SHORT_TOTAL = FetchLimits(wait_s=3600, total_s=0.6)


@pytest.fixture
def host() -> Iterator[PictureHost]:
    with picture_host(picture(CONTENT)) as running:
        yield running


def fetched(fetcher: PictureFetcher, url: str, folder: Path, most_bytes: int = len(CONTENT)) -> bytes:
    fetcher.fetch(url, folder / "raw", most_bytes=most_bytes)
    return (folder / "raw").read_bytes()


@pytest.mark.parametrize("name", ["pictures.example", "xn--bcher-kva.example", "xn--ls8h.example"])
def test_a_file_is_fetched_with_the_name_of_its_host(host: PictureHost, tmp_path: Path, name: str) -> None:
    """The name is resolved by us, and stays in the request, also an emoji's, which no longer decodes."""
    fetcher = PictureFetcher(host.reach(HERE, resolver=resolves("127.0.0.1")))
    assert fetched(fetcher, host.url(name), tmp_path) == CONTENT
    [request] = host.requests
    assert f"host: {name}:{host.port}".encode() in request.lower()
    assert request.lower().count(b"host:") == 1
    assert b"accept-encoding: identity" in request.lower()
    assert b"cookie" not in request.lower()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0"])
def test_loopback_is_refused_in_every_form(host: PictureHost, tmp_path: Path, name: str) -> None:
    """Only the port is added to what production reaches."""
    with pytest.raises(NotFetched):
        fetched(PictureFetcher(host.reach()), host.url(name), tmp_path)
    assert host.requests == []


@pytest.mark.parametrize(
    "address", ["::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "127.0.0.1", "0.0.0.0"]
)
def test_a_name_that_resolves_to_us_is_refused(host: PictureHost, tmp_path: Path, address: str) -> None:
    with pytest.raises(NotFetched):
        fetched(PictureFetcher(host.reach(resolver=resolves(address))), host.url("x.example"), tmp_path)
    assert host.requests == []


def test_a_name_is_resolved_once_for_a_connection(host: PictureHost, tmp_path: Path) -> None:
    """DNS rebinding: a second question would be met with another address, and is not asked."""
    responses = [["127.0.0.1"], ["127.0.0.2"]]
    fetcher = PictureFetcher(host.reach("127.0.0.1/32", resolver=lambda _host, _port: responses.pop(0)))
    assert fetched(fetcher, host.url("x.example"), tmp_path) == CONTENT
    assert responses == [["127.0.0.2"]]


def test_the_next_connection_is_checked_again(host: PictureHost, tmp_path: Path) -> None:
    responses = [["127.0.0.1"], ["127.0.0.2"]]
    fetcher = PictureFetcher(host.reach("127.0.0.1/32", resolver=lambda _host, _port: responses.pop(0)))
    host.respond = redirect("/other.jpg")
    with pytest.raises(NotFetched):
        fetched(fetcher, host.url("x.example"), tmp_path)
    assert (len(host.requests), responses) == (1, [])


def test_of_several_addresses_only_the_allowed_are_tried(host: PictureHost, tmp_path: Path) -> None:
    fetcher = PictureFetcher(host.reach("127.0.0.1/32", resolver=resolves("10.0.0.1", "127.0.0.2", "127.0.0.1")))
    assert fetched(fetcher, host.url("x.example"), tmp_path) == CONTENT


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:{port}/",
        "http://[::1]:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:{other}/",
        "http://user:word@127.0.0.1:{port}/",
        "ftp://127.0.0.1:{port}/",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "//127.0.0.2:{port}/",
        "http://[::1/",
        # Neither a name that does not decode nor one that the standard library refuses is an error of ours.
        "http://xn--a:{port}/",
        "http:////[",
    ],
)
def test_a_redirect_is_checked_like_the_first_address(host: PictureHost, tmp_path: Path, target: str) -> None:
    with picture_host(picture(b"secret")) as other:
        to = redirect(target.format(port=host.port, other=other.port))
        host.respond = lambda conn: (picture(b"secret") if len(host.requests) > 1 else to)(conn)
        with pytest.raises(NotFetched):
            fetched(PictureFetcher(host.reach("127.0.0.1/32")), host.url(), tmp_path)
        assert (len(host.requests), other.requests) == (1, [])


@pytest.mark.parametrize(("hops", "is_fetched"), [(3, True), (4, False)])
def test_redirects_are_bounded(host: PictureHost, tmp_path: Path, hops: int, is_fetched: bool) -> None:
    def respond(conn: socket.socket) -> None:
        (picture(CONTENT) if len(host.requests) > hops else redirect(f"/{len(host.requests)}"))(conn)

    host.respond = respond
    fetcher = PictureFetcher(host.reach(HERE))
    if is_fetched:
        assert fetched(fetcher, host.url(), tmp_path) == CONTENT
    else:
        with pytest.raises(NotFetched, match="too many"):
            fetched(fetcher, host.url(), tmp_path)
    assert len(host.requests) == 4


@pytest.mark.parametrize(
    "head",
    [f"Content-Length: {len(CONTENT) + 1}\r\n\r\n".encode(), b"Content-Length: 99999999999999\r\n\r\n", b"\r\n"],
    ids=["one byte more", "huge", "no length"],
)
def test_a_body_that_is_too_large_is_not_read_to_its_end(host: PictureHost, tmp_path: Path, head: bytes) -> None:
    def respond(conn: socket.socket) -> None:
        conn.sendall(OK + head)
        # Until the client hangs up.
        with suppress(OSError):
            while True:
                conn.sendall(CONTENT)

    host.respond = respond
    with pytest.raises(FileTooLarge):
        fetched(PictureFetcher(host.reach(HERE)), host.url(), tmp_path)


@pytest.mark.parametrize("length", ["", "-1", "one", "1, 2", "9" * 30, "9" * 5000])
def test_an_odd_length_is_a_failed_fetch(host: PictureHost, tmp_path: Path, length: str) -> None:
    host.respond = sends(OK + f"Content-Length: {length}\r\n\r\n".encode())
    with pytest.raises((NotFetched, FileTooLarge)):
        fetched(PictureFetcher(host.reach(HERE)), host.url(), tmp_path)


def _slowly(begin: bytes, drop: bytes, end: bytes) -> Responder:
    """Send a whole response in five seconds, unless the client hangs up: one who waits gets it."""

    def respond(conn: socket.socket) -> None:
        conn.sendall(begin)
        conn.settimeout(0.05)
        for _ in range(100):
            with suppress(TimeoutError):
                if not conn.recv(1):
                    return
            conn.sendall(drop)
        conn.sendall(end)

    return respond


WHOLE = OK + b"Content-Length: 0\r\n\r\n"
# Of a handshake's record that is longer than what follows.
BEGUN_RECORD = b"\x16\x03\x03\x40\x00"


@pytest.mark.parametrize(
    ("scheme", "respond", "limits"),
    [
        ("http", _slowly(b"", b"", WHOLE), SHORT_WAIT),
        ("http", _slowly(b"", b"", WHOLE), SHORT_TOTAL),
        ("http", _slowly(OK + b"Content-Length: 100\r\n\r\n", b"x", b""), SHORT_TOTAL),
        ("http", _slowly(OK, b"x-more: 1\r\n", b"Content-Length: 0\r\n\r\n"), SHORT_TOTAL),
        ("http", _slowly(b"", b"HTTP/1.1 100 Continue\r\n\r\n", WHOLE), SHORT_TOTAL),
        ("https", _slowly(b"", b"", b""), SHORT_WAIT),
        ("https", _slowly(BEGUN_RECORD, b"x", b""), SHORT_TOTAL),
    ],
    ids=["silence", "silence, in all", "body", "headers", "informational responses", "no handshake", "handshake"],
)
def test_a_slow_server_is_left(
    host: PictureHost, tmp_path: Path, scheme: str, respond: Responder, limits: FetchLimits
) -> None:
    host.respond = respond
    with pytest.raises(NotFetched, match="Timeout"):
        fetched(PictureFetcher(host.reach(HERE), limits), host.url(scheme=scheme), tmp_path)


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        OK + b"Content-Length: 100\r\n\r\ncut off",
        OK + b"Content-Length: -1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"",
    ],
)
def test_anything_but_a_whole_response_is_refused(host: PictureHost, tmp_path: Path, response: bytes) -> None:
    host.respond = sends(response)
    with pytest.raises(NotFetched):
        fetched(PictureFetcher(host.reach(HERE)), host.url(), tmp_path)


def test_nothing_is_decompressed(host: PictureHost, tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    host.respond = sends(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb), bomb)
    assert fetched(PictureFetcher(host.reach(HERE)), host.url(), tmp_path, len(bomb)) == bomb


@pytest.mark.parametrize(
    "url",
    [
        *("", "me.jpg", "/me.jpg", "//x.example/", "ftp://x.example/", "file:///etc/passwd", "gopher://x.example/"),
        *("http://", "http:///me.jpg", "http://user@x.example/", "http://user:word@x.example/", "http://:word@x/"),
        *("http://x.example:22/", "http://x.example:8080/", "https://x.example:6379/", "http://x.example:99999/"),
        "http://x.example:0/",
        *(" http://x.example/", "http://x.example/\r\nHost: y", "http://x.example/\0", "http://[::1/"),
        "http://x.example/" + "a" * 2048,
    ],
)
def test_other_urls_are_refused_at_once(url: str) -> None:
    assert PictureFetcher(Reach()).allowed(url) is None


@pytest.mark.parametrize(
    "url", ["http://x.example/", "https://x.example/a?b=c#d", "HTTPS://X.EXAMPLE:443/", "http://bücher.example"]
)
def test_ordinary_urls_are_allowed(url: str) -> None:
    assert PictureFetcher(Reach()).allowed(url) is not None


def test_a_proxy_of_the_environment_is_not_used(
    host: PictureHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would connect to what it likes."""
    monkeypatch.setenv("HTTP_PROXY", host.url())
    with pytest.raises(NotFetched):
        fetched(PictureFetcher(Reach(resolver=resolves("127.0.0.1"))), "http://x.example/", tmp_path)
    assert host.requests == []


def test_the_default_reach_is_the_public_internet() -> None:
    assert Reach() == Reach(frozenset({80, 443}), (), resolve)
