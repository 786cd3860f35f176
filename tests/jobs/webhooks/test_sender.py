"""A message is posted to permitted addresses only, and an endpoint is waited for and read within limits."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count

import pytest

from jobs.reach.connecting import Reach, Resolver
from jobs.reach.urls import WEB
from jobs.webhooks.limits import SendLimits
from jobs.webhooks.reach import WebhookReach
from jobs.webhooks.sender import Sent, WebhookSender
from statemachine.vocabulary import WebhookFailure
from tests.support.eventually import scaled
from tests.support.picture_host import PictureHost, Responder, picture_host, redirect, resolves, sends
from tests.support.webhooks import HERE

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEADERS = {"webhook-id": "id", "content-type": "application/json"}


@pytest.fixture
def host() -> Iterator[PictureHost]:
    with picture_host(sends(OK)) as running:
        yield running


def sent(url: str, reach: WebhookReach = HERE, limits: SendLimits | None = None, *, times: int = 1) -> list[Sent]:
    """Post a message some times over one connection; return the outcomes."""

    async def post() -> list[Sent]:
        async with sender.connection(url) as connection:
            return [await connection.post(HEADERS, "{}") for _ in range(times)]

    sender = WebhookSender(reach, limits)
    try:
        return asyncio.run(post())
    finally:
        sender.close()


def only(host: PictureHost, *networks: str, resolver: Resolver) -> WebhookReach:
    """Return the reach of production, with this server's port and these networks besides."""
    return WebhookReach(host.reach(*networks, resolver=resolver), WEB)


def in_turn(*addresses: str) -> Resolver:
    """Return a resolver that gives each address once: DNS rebinding."""
    left = list(addresses)

    def resolver(_host: str, _port: int) -> Sequence[str]:
        return [left.pop(0)]

    return resolver


def test_a_message_is_posted_as_it_was_signed(host: PictureHost) -> None:
    [outcome] = sent(host.url("hooks.example", "/in?a=b"), only(host, "127.0.0.0/8", resolver=resolves("127.0.0.1")))
    assert (outcome.status, outcome.failure) == (200, None)
    [request] = host.requests
    lines = request.lower().split(b"\r\n")
    assert lines[0] == b"post /in?a=b http/1.1"
    assert {b"webhook-id: id", b"content-type: application/json", b"content-length: 2"} <= set(lines)
    assert f"host: hooks.example:{host.port}".encode() in lines


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "64:ff9b::7f00:1", "0.0.0.0"]
)
def test_a_name_that_resolves_to_a_private_address_is_not_connected_to(host: PictureHost, address: str) -> None:
    [outcome] = sent(host.url("x.example"), only(host, resolver=resolves(address)))
    assert (outcome.failure, outcome.status, host.requests) == (WebhookFailure.UNREACHABLE, None, [])


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0"])
def test_loopback_is_not_connected_to_in_any_form(host: PictureHost, name: str) -> None:
    reach = WebhookReach(host.reach(), WEB)
    assert sent(host.url(name), reach)[0].failure is WebhookFailure.UNREACHABLE
    assert host.requests == []


def test_a_name_is_resolved_once_for_a_connection_and_again_for_the_next(host: PictureHost) -> None:
    """DNS rebinding: the name becomes one of ours after the first message."""
    reach = only(host, "127.0.0.1/32", resolver=in_turn("127.0.0.1", "127.0.0.2"))
    # The server closes each connection, so that the second message needs another one.
    outcomes = sent(host.url("x.example"), reach, times=2)
    assert [each.failure for each in outcomes] == [None, WebhookFailure.UNREACHABLE]
    assert len(host.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["http://127.0.0.1:{port}/other", "http://169.254.169.254/", "/other"])
def test_a_redirect_is_not_followed(host: PictureHost, target: str, status: int) -> None:
    host.respond = redirect(target.format(port=host.port), status)
    [outcome] = sent(host.url())
    assert (outcome.status, outcome.failure) == (status, WebhookFailure.BAD_STATUS)
    assert len(host.requests) == 1


@pytest.mark.parametrize(
    ("status", "is_delivered"), [(200, True), (204, True), (299, True), (400, False), (500, False)]
)
def test_only_2xx_counts_as_delivered(host: PictureHost, status: int, is_delivered: bool) -> None:
    host.respond = sends(f"HTTP/1.1 {status} So\r\nRetry-After: 7\r\nConnection: close\r\n\r\n".encode())
    [outcome] = sent(host.url())
    assert (outcome.status, outcome.failure is None, outcome.retry_after_s) == (status, is_delivered, 7.0)


def endlessly(head: bytes, piece: bytes, pause_s: float = 0.0) -> Responder:
    """Return a responder that sends a head and then pieces until the connection is closed."""

    def respond(conn: socket.socket) -> None:
        with suppress(OSError):
            conn.sendall(head)
            for _ in count():
                conn.sendall(piece)
                time.sleep(pause_s)

    return respond


BODY = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
QUICK = SendLimits(connect_s=0.3, total_s=0.3, body_s=0.3)


@pytest.mark.parametrize(
    ("responder", "failure"),
    [
        # Huge and endless bodies are cut off; what counts is the status.
        (endlessly(BODY, b"4\r\nmore\r\n"), None),
        (endlessly(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", bytes(65536)), None),
        (endlessly(BODY, b"1\r\nm\r\n", pause_s=0.02), None),
        # A head that never ends, slowly or fast.
        (endlessly(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", pause_s=0.02), WebhookFailure.TIMED_OUT),
        (endlessly(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 8000 + b"\r\n"), WebhookFailure.UNREACHABLE),
        (endlessly(b"", b"", pause_s=0.1), WebhookFailure.TIMED_OUT),
        (sends(b"220 mail.example ESMTP\r\n"), WebhookFailure.UNREACHABLE),
        (sends(b""), WebhookFailure.UNREACHABLE),
    ],
    ids=["endless", "huge", "slow body", "slow head", "endless head", "silent", "not HTTP", "closed"],
)
def test_a_response_is_bounded(host: PictureHost, responder: Responder, failure: WebhookFailure | None) -> None:
    host.respond = responder
    began = time.monotonic()
    [outcome] = sent(host.url(), limits=QUICK)
    assert outcome.failure is failure
    assert time.monotonic() - began < scaled(2)


@pytest.mark.parametrize("declared", [b"Transfer-Encoding: chunked", b"Content-Length: 99999999999"])
def test_a_body_is_read_up_to_its_limit(host: PictureHost, declared: bytes) -> None:
    """However long its time is: the connection is closed, and the next message gets another one."""
    host.respond = endlessly(b"HTTP/1.1 200 OK\r\n" + declared + b"\r\n\r\n", b"4\r\nmore\r\n")
    outcomes = sent(host.url(), limits=replace(QUICK, body_s=3600.0), times=2)
    assert [each.failure for each in outcomes] == [None, None]
    assert len(host.requests) == 2


def test_the_time_counts_for_an_attempt_as_a_whole(host: PictureHost) -> None:
    host.respond = endlessly(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", pause_s=0.02)
    limits = replace(QUICK, connect_s=3600.0, body_s=3600.0)
    assert sent(host.url(), limits=limits)[0].failure is WebhookFailure.TIMED_OUT


def test_an_endpoint_without_a_server_is_unreachable(host: PictureHost) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert sent(f"http://127.0.0.1:{port}/")[0].failure is WebhookFailure.UNREACHABLE
    assert sent(host.url("missing.invalid"))[0].failure is WebhookFailure.UNREACHABLE


def test_a_certificate_that_does_not_verify_is_refused(host: PictureHost) -> None:
    """It does not even speak TLS."""
    assert sent(host.url(scheme="https"))[0].failure is WebhookFailure.UNREACHABLE


def test_an_address_that_is_no_longer_accepted_is_not_connected_to(host: PictureHost) -> None:
    """The operator has taken the network off the list."""
    assert sent(host.url(), WebhookReach())[0].failure is WebhookFailure.UNREACHABLE
    assert host.requests == []


def test_the_default_reach_is_https_on_the_public_internet() -> None:
    assert WebhookReach() == WebhookReach(Reach(frozenset({443})), frozenset({"https"}))
    assert WebhookReach.of([]) == WebhookReach()
    with pytest.raises(ValueError, match="not appear to be"):
        WebhookReach.of(["nonsense"])
