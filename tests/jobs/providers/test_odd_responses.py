"""A response that is not a prediction proves nothing: a read fails, and the outcome of a paid call is lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from uuid import uuid4

import pytest

from jobs.providers.provider import Sought
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings
from statemachine.outcomes import Accepted, OutcomeLost, RetryPolicy
from tests.jobs.providers.harness import error_of, submission

ODD = [b"", b"null", b"[]", b'"starting"', b"{}", b'{"id": "p"}', b'{"status": "starting"}', b"<html>", b"\xff", b"{"]
ODD_BESIDES = json.dumps(
    {"id": "p", "status": "succeeded", "metrics": "none", "output": [7, None, "https://x/y"], "error": {}, "logs": []}
).encode()
ODD_PAGES = [
    b'{"results": null}',
    b'{"results": [{}]}',
    b'{"results": [{"id": "p", "status": "x", "created_at": "now"}]}',
    b'{"results": [], "next": 7}',
    b'{"results": [], "next": ["/v1/predictions"]}',
    b'{"results": [], "next": "https://[::1/v1/predictions"}',
]


class OddServer:
    """Responds to every request with the same status and body."""

    status = 200
    body = b""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []

    def __enter__(self) -> OddServer:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def respond(self) -> None:
                server.requests.append((self.path, self.headers.get("Authorization", "")))
                self.send_response(server.status)
                self.send_header("Content-Length", str(len(server.body)))
                self.end_headers()
                self.wfile.write(server.body)

            do_GET = do_POST = respond  # noqa: N815 - the names are the library's

            def log_message(self, format: str, *arguments: Any) -> None:
                """Keep the tests' output clean."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"


@pytest.fixture(scope="module")
def server() -> Iterator[OddServer]:
    with OddServer() as running:
        yield running


@pytest.fixture(scope="module")
def provider(server: OddServer) -> Iterator[ReplicateProvider]:
    with closing(ReplicateProvider(ReplicateSettings("r8_test", base_url=server.url))) as provider:
        yield provider


@pytest.mark.parametrize("body", ODD)
def test_an_odd_response_to_a_read_is_transient(server: OddServer, provider: ReplicateProvider, body: bytes) -> None:
    server.body = body
    for call in (lambda: provider.get("p"), lambda: provider.cancel("p")):
        assert error_of(call).failure.retry_policy is RetryPolicy.WAIT


@pytest.mark.parametrize("body", [*ODD, *ODD_PAGES])
def test_an_odd_list_proves_no_absence(server: OddServer, provider: ReplicateProvider, body: bytes) -> None:
    server.body = body
    since = datetime.now(UTC)
    for call in (lambda: provider.find(Sought(uuid4(), timedelta(0))), lambda: list(provider.listed(since))):
        assert error_of(call).failure.retry_policy is RetryPolicy.WAIT


@pytest.mark.parametrize("place", ["http://{}", "//{}", "http://name:word@{}", "http://{}//{}"])
def test_the_token_goes_to_no_host_that_a_page_names(
    server: OddServer, provider: ReplicateProvider, place: str
) -> None:
    """The next page is requested from our own address."""
    with OddServer() as foreign:
        foreign.body = b'{"results": []}'
        address = place.replace("{}", foreign.url.removeprefix("http://")) + "/v1/predictions?cursor=a%2Bb"
        server.body = json.dumps({"results": [], "next": address}).encode()
        server.requests.clear()
        pages = provider.listed(datetime.now(UTC))
        assert [next(pages), next(pages)] == [(), ()]
        assert foreign.requests == []
    [_, (path, token)] = server.requests
    assert path.endswith("/v1/predictions?cursor=a%2Bb")
    assert token == "Bearer r8_test"


@pytest.mark.parametrize("body", ODD)
def test_an_odd_response_to_a_paid_call_loses_its_outcome(
    server: OddServer, provider: ReplicateProvider, body: bytes
) -> None:
    server.body = body
    assert isinstance(provider.submit(submission()), OutcomeLost)


@pytest.mark.parametrize(
    ("output", "oddity"),
    [
        (None, None),
        ([], None),
        (["https://x/y"], None),
        ("https://x/y", None),
        ({}, "the output is not a URL: dict"),
        ([None], "the output is not a URL: list of NoneType"),
        ("a picture of a cat", "the output is not a URL: str"),
        (["data:text/html;base64,AA=="], "the output is inline, and no picture or video in base64"),
        (["data:image/png,AA=="], "the output is inline, and no picture or video in base64"),
        (["data:image/svg+xml;base64,AA=="], "the output is inline, and no picture or video in base64"),
    ],
)
def test_an_output_that_is_not_a_url_is_distinguished_from_none(
    server: OddServer, provider: ReplicateProvider, output: Any, oddity: str | None
) -> None:
    """A content check returns no output at all."""
    server.body = json.dumps({"id": "p", "status": "succeeded", "output": output}).encode()
    prediction = provider.get("p")
    assert prediction.oddity == oddity
    assert bool(prediction.output) is ("x/y" in str(output))


def test_oddities_besides_the_id_and_the_status_do_no_harm(server: OddServer, provider: ReplicateProvider) -> None:
    """The prediction exists and is paid for."""
    server.body = ODD_BESIDES
    assert isinstance(provider.submit(submission()), Accepted)
    prediction = provider.get("p")
    assert (prediction.output, prediction.predict_s) == (("https://x/y",), None)
