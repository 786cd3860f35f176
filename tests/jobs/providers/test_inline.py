"""An output inside the prediction is fetched like one at a URL, and its bytes get into no row and no log line."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from jobs.providers import inline
from jobs.providers.limited import LimitedProvider
from jobs.providers.limiter import NoLimiter
from jobs.providers.provider import OutputVanished
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings
from jobs.tracking.sightings import sighting_json
from tests.jobs.providers.test_odd_responses import OddServer

CONTENT = bytes(range(256)) * 4
TEXT = b64encode(CONTENT).decode()


@pytest.fixture
def server() -> Iterator[OddServer]:
    with OddServer() as server:
        yield server


@pytest.fixture
def provider(server: OddServer) -> Iterator[ReplicateProvider]:
    with closing(ReplicateProvider(ReplicateSettings("r8_test", server.url))) as provider:
        yield provider


def respond(server: OddServer, output: Any) -> None:
    server.body = json.dumps({"id": "p/1", "status": "succeeded", "output": output}).encode()


def fetched(provider: ReplicateProvider, address: str, most_bytes: int = len(CONTENT)) -> tuple[str, bytes]:
    with provider.fetch(address, most_bytes=most_bytes) as (content_type, chunks):
        return content_type, b"".join(chunks)


@pytest.mark.parametrize(
    ("header", "content_type"),
    [
        ("data:image/png;base64,", "image/png"),
        ("data:image/jpeg;base64,", "image/jpeg"),
        ("DATA:image/webp;Base64,", "image/webp"),
        ("data:video/mp4;codecs=avc1.640028;base64,", "video/mp4"),
        ("data:video/quicktime;base64,", "video/quicktime"),
        ("data:video/x-matroska;base64,", "video/x-matroska"),
        ("data:image/avif;base64,", "image/avif"),
        ("data:application/octet-stream;base64,", "application/octet-stream"),
    ],
)
def test_an_inline_output_is_fetched_by_its_stand_in(
    server: OddServer, provider: ReplicateProvider, header: str, content_type: str
) -> None:
    respond(server, [None, header + TEXT])
    prediction = provider.get("p/1")
    assert (prediction.output, prediction.oddity) == (("inline:p%2F1/1",), None)
    assert fetched(provider, prediction.output[0]) == (content_type, CONTENT)
    assert server.requests[-1][0].endswith("/v1/predictions/p%2F1")


def test_its_bytes_are_not_kept_with_what_was_seen(server: OddServer, provider: ReplicateProvider) -> None:
    respond(server, f"data:image/png;base64,{TEXT}")
    prediction = provider.get("p/1")
    assert TEXT[:40] not in sighting_json(prediction) + repr(prediction)


@pytest.mark.parametrize("most_bytes", [0, 1, len(CONTENT) - 1])
def test_one_that_is_too_large_counts_as_vanished(
    server: OddServer, provider: ReplicateProvider, most_bytes: int
) -> None:
    respond(server, f"data:image/png;base64,{TEXT}")
    with pytest.raises(OutputVanished, match="larger"):
        fetched(provider, "inline:p/0", most_bytes)


@pytest.mark.parametrize("output", [None, [], ["https://x/y"], "data:text/html;base64,AA=="])
def test_one_that_is_no_longer_there_has_vanished(server: OddServer, provider: ReplicateProvider, output: Any) -> None:
    respond(server, output)
    with pytest.raises(OutputVanished):
        fetched(provider, "inline:p/0")


@pytest.mark.parametrize("address", ["inline:", "inline:p", "inline:p/x"])
def test_a_stand_in_that_is_none_has_vanished(provider: ReplicateProvider, address: str) -> None:
    with pytest.raises(OutputVanished):
        fetched(provider, address)


@pytest.mark.parametrize("text", ["AAAA\r\nqqo=\n", "AAAAqqo", "AAAA%0Aqqo%3D", " AAAA qqo= "])
def test_base64_is_read_in_every_form(text: str) -> None:
    """It was paid for; a line break of an encoder for mail is no reason to throw it away."""
    assert inline.decoded(f"data:image/png;base64,{text}", 100) == ("image/png", b"\0\0\0\xaa\xaa")
    assert inline.decoded("data:image/png;base64,-_-_", 3)[1] == inline.decoded("data:image/png;base64,+/+/", 3)[1]


@pytest.mark.parametrize("text", ["A", "@@@@", "AA==AA==", "AAAA\0AAAA"])
def test_what_is_not_base64_is_an_empty_file(text: str) -> None:
    """The transcode step refuses an empty file, and the job makes a new attempt."""
    assert inline.decoded(f"data:image/png;base64,{text}", 100) == ("image/png", b"")


def test_reading_one_is_booked_as_a_call(server: OddServer, provider: ReplicateProvider) -> None:
    class Books(NoLimiter):
        reads = 0

        def must_read(self, calls: int = 1) -> None:
            self.reads += calls

    books = Books()
    respond(server, f"data:image/png;base64,{TEXT}")
    with LimitedProvider(provider, books).fetch("inline:p/0", most_bytes=10_000) as (_, chunks):
        assert b"".join(chunks) == CONTENT
    assert books.reads == 1
