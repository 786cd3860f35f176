"""A response of the provider that never ends, or is huge once it is decompressed, fails the call."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from jobs.providers import guard
from jobs.providers.provider import ProviderError
from jobs.providers.replicate import ReplicateProvider, ReplicateSettings
from statemachine.outcomes import OutcomeLost, RetryPolicy
from tests.jobs.providers.harness import error_of, submission
from tests.support.eventually import scaled

LIMIT_BYTES = 1024 * 1024
_COMPRESSED = gzip.compress(b'{"id": "' + b" " * 4 * LIMIT_BYTES + b'"}')
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
BOMB = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_COMPRESSED) + _COMPRESSED


class Endless:
    """Sends every client the beginning of a response, and then bytes until the client hangs up.

    After 64 times the limit it ends: a client without a limit then fails its test instead of filling the memory.
    """

    def __init__(self) -> None:
        self.beginning = ENDLESS
        self.hung_up = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._send, args=(connection,), daemon=True).start()

    def _send(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(self.beginning)
                for _ in range(64):
                    connection.sendall(b" " * LIMIT_BYTES)
            except OSError:
                self.hung_up.set()


@pytest.fixture
def server() -> Iterator[Endless]:
    with closing(Endless()) as running:
        yield running


@pytest.fixture
def provider(server: Endless, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReplicateProvider]:
    monkeypatch.setattr(guard, "RESPONSE_BYTES_MAX", LIMIT_BYTES)
    with closing(ReplicateProvider(ReplicateSettings("r8_test", base_url=server.url))) as provider:
        yield provider


@pytest.mark.parametrize("beginning", [ENDLESS, BOMB], ids=["endless", "compressed"])
def test_a_read_of_an_endless_response_is_tried_again(
    server: Endless, provider: ReplicateProvider, beginning: bytes
) -> None:
    server.beginning = beginning
    failure = error_of(lambda: provider.get("p")).failure
    assert failure.retry_policy is RetryPolicy.WAIT
    assert "ResponseTooLarge: the response has more than 1048576 bytes" in (failure.detail or "")
    assert server.hung_up.wait(scaled(10))


def test_an_endless_page_of_the_list_ends_the_search(provider: ReplicateProvider) -> None:
    with pytest.raises(ProviderError, match="ResponseTooLarge"):
        provider.now()


def test_an_endless_response_to_a_paid_call_leaves_its_outcome_unknown(provider: ReplicateProvider) -> None:
    """It may have been accepted: the list is searched before anything is paid again."""
    assert provider.submit(submission()) == OutcomeLost("ResponseTooLarge after sending")
