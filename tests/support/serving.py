"""A real server in a thread, and the callers that talk to it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Any, cast

import httpx
import uvicorn
from sqlalchemy import Engine
from starlette.applications import Starlette
from websockets.sync.client import ClientConnection, connect

from db.connection import DatabaseSettings, connect_async
from db.connection import connect as connect_blocking
from jobs.catalogue.catalogue import DEFAULT_CATALOGUE, Catalogue
from jobs.importing.fetching import PictureFetcher
from jobs.tracking.provider_webhooks import SigningKey
from jobs.webhooks.sender import WebhookSender
from schema.live.hub import EventHub
from schema.transport.app import ApiRuntime, ApiSettings, create_app, end_waiting
from storage import S3Settings, S3Store
from tests.support.eventually import scaled

RECEIVE_WITHIN_S = 10


def offline_store() -> S3Store:
    """Return a store that signs addresses and reaches nothing."""
    return S3Store(
        S3Settings("bucket", access_key_id="key", secret_access_key="secret", endpoint_url="http://127.0.0.1:9")
    )


@dataclass
class Server:
    """A running API, the database behind it, and its address."""

    url: str
    engine: Engine
    stop: Callable[[], None] = field(repr=False)
    # One client for all callers: opening one takes longer than most requests.
    http: httpx.Client = field(repr=False)
    hub: EventHub = field(repr=False)
    runner: _Server = field(repr=False)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop that the API runs in, once it is ready."""
        return self.runner.loop

    @property
    def socket_url(self) -> str:
        return self.url.replace("http://", "ws://") + "/graphql"


# Tests send requests as fast as they can.
_UNHURRIED = ApiSettings(key_requests_per_min=1_000_000, session_requests_per_min=1_000_000)


@contextmanager
def serving(
    database_url: str,
    settings: ApiSettings | None = None,
    store: S3Store | None = None,
    name: str = "api",
    catalogue: Catalogue = DEFAULT_CATALOGUE,
    webhook_key: SigningKey | None = None,
    fetcher: PictureFetcher | None = None,
    webhook_sender: WebhookSender | None = None,
) -> Iterator[Server]:
    """Serve the API on a free port until the end of the block, or until it is stopped."""
    database = DatabaseSettings(database_url, pool_size=4)
    blocking = connect_blocking(database, name=name)
    runtime = ApiRuntime(
        connect_async(database, name=name),
        blocking,
        store or offline_store(),
        catalogue,
        fetcher=fetcher or PictureFetcher(),
        webhook_sender=webhook_sender or WebhookSender(),
        webhook_key=webhook_key,
    )
    app = create_app(runtime, settings or _UNHURRIED)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, ws="websockets-sansio", ws_per_message_deflate=False, timeout_graceful_shutdown=5
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)

    def stop() -> None:
        server.should_exit = True
        thread.join()

    with listener:
        thread.start()
        try:
            with httpx.Client(timeout=scaled(60)) as client:
                yield Server(
                    f"http://127.0.0.1:{listener.getsockname()[1]}", blocking, stop, client, app.state.hub, server
                )
        finally:
            stop()
            blocking.dispose()


class _Server(uvicorn.Server):
    """Ends the waits of callers before it waits for their requests to end, and knows which loop it runs in."""

    loop: asyncio.AbstractEventLoop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await end_waiting(cast("Starlette", self.config.app))
        await super().shutdown(sockets)


@dataclass
class Caller:
    """A caller with a key, a token or neither."""

    server: Server
    secret: str | None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"} if self.secret else {}

    def post(self, document: str, variables: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """Send an operation and return the whole response."""
        body = {"query": document, "variables": variables}
        return self.server.http.post(f"{self.server.url}/graphql", json=body, headers=self.headers | headers)

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return the data of an operation that has no errors."""
        body = self.post(document, variables).json()
        assert "errors" not in body, body["errors"]
        data: dict[str, Any] = body["data"]
        return data

    def fail(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return the first error of an operation."""
        error: dict[str, Any] = self.post(document, variables).json()["errors"][0]
        return error

    @contextmanager
    def socket(self, payload: dict[str, Any] | None = None) -> Iterator[Socket]:
        """Yield a socket that has been acknowledged."""
        with raw_socket(self.server) as connection:
            given = {"authorization": f"Bearer {self.secret}"} if payload is None else payload
            opened = Socket(connection)
            opened.send({"type": "connection_init", "payload": given})
            assert opened.receive() == {"type": "connection_ack"}
            yield opened


@contextmanager
def raw_socket(server: Server, **given: Any) -> Iterator[ClientConnection]:
    """Yield a socket to which nothing has been sent."""
    given.setdefault("subprotocols", ["graphql-transport-ws"])
    with connect(server.socket_url, compression=None, close_timeout=1, **given) as connection:
        yield connection


@dataclass
class Socket:
    """Speaks graphql-transport-ws and responds to pings."""

    connection: ClientConnection
    _ids: Iterator[int] = field(default_factory=count)

    def send(self, message: Any) -> None:
        self.connection.send(message if isinstance(message, str) else json.dumps(message))

    def receive(self, within_s: float = RECEIVE_WITHIN_S) -> dict[str, Any]:
        """Return the next message that is not a ping."""
        # In all: on a busy machine the time is longer than the one from ping to ping.
        until_s = monotonic() + scaled(within_s)
        while True:
            message: dict[str, Any] = json.loads(self.connection.recv(timeout=max(0.0, until_s - monotonic())))
            if message["type"] != "ping":
                return message
            self.send({"type": "pong"})

    def begin(self, document: str, **variables: Any) -> str:
        """Begin an operation and return its id."""
        operation_id = str(next(self._ids))
        payload = {"query": document, "variables": variables}
        self.send({"type": "subscribe", "id": operation_id, "payload": payload})
        return operation_id

    def next(self) -> dict[str, Any]:
        """Return the data of the next result, which has no errors."""
        message = self.receive()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        data: dict[str, Any] = message["payload"]["data"]
        return data
