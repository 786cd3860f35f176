"""A call ends in time even if its response arrives slowly, in endless pieces that are each early enough."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from jobs.providers.guard import Timeouts
from jobs.providers.provider import ProviderError
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings
from statemachine.outcomes import OutcomeLost, RetryPolicy
from tests.jobs.providers.harness import error_of, submission
from tests.support.eventually import scaled

TIMEOUTS = Timeouts(response_s=0.15, output_s=1.0)
PIECE_EVERY_S = 0.05
ENDS_AFTER_S = scaled(30.0)
BEGINNINGS = {
    "in its headers": b"HTTP/1.1 200 OK\r\nX-Slow: ",
    "in its body": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
    "in the page of an error": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 100000\r\n\r\n",
}


class Dripping:
    """Sends every client the beginning of a response, then a byte at a time for a while."""

    def __init__(self) -> None:
        self.beginning = b""
        self.ended_by_itself = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._drip, args=(self._listener.accept()[0],), daemon=True).start()

    def _drip(self, connection: socket.socket) -> None:
        ends_at = time.monotonic() + ENDS_AFTER_S
        with suppress(OSError), connection:
            connection.sendall(self.beginning)
            while time.monotonic() < ends_at:
                connection.sendall(b"x")
                threading.Event().wait(PIECE_EVERY_S)
            self.ended_by_itself = True


@pytest.fixture(scope="module")
def server() -> Iterator[Dripping]:
    with closing(Dripping()) as running:
        yield running


@pytest.fixture(scope="module")
def provider(server: Dripping) -> Iterator[ReplicateProvider]:
    settings = ReplicateSettings(
        "r8_test", base_url=f"http://{server.place}", delivery_hosts=(server.place,), timeouts=TIMEOUTS
    )
    with closing(ReplicateProvider(settings)) as provider:
        yield provider


@pytest.fixture(params=BEGINNINGS)
def slow(request: pytest.FixtureRequest, server: Dripping) -> None:
    """Make the response slow in one of its parts."""
    server.beginning = BEGINNINGS[request.param]


@pytest.fixture(autouse=True)
def ended_by_the_deadline(server: Dripping) -> Iterator[None]:
    """Assert that the call hung up while the response was still coming."""
    yield
    assert not server.ended_by_itself


@pytest.mark.usefixtures("slow")
def test_a_read_ends_in_time(provider: ReplicateProvider) -> None:
    error = error_of(lambda: provider.get("p"))
    assert isinstance(error, ProviderError)
    assert error.failure.retry_policy is RetryPolicy.WAIT


@pytest.mark.usefixtures("slow")
def test_a_paid_call_ends_in_time_and_its_outcome_is_lost(provider: ReplicateProvider) -> None:
    assert isinstance(provider.submit(submission()), OutcomeLost)


@pytest.mark.parametrize("part", ["in its headers", "in its body"])
def test_an_output_is_fetched_in_time_and_streamed_as_it_arrives(
    server: Dripping, provider: ReplicateProvider, part: str
) -> None:
    server.beginning = BEGINNINGS[part]
    pieces: list[bytes] = []

    def read() -> None:
        with provider.fetch(f"http://{server.place}/out.png", most_bytes=10**6) as (_, chunks):
            pieces.extend(chunks)

    error_of(read)
    assert (len(pieces) > 1) is (part == "in its body")
