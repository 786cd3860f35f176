"""A server that receives webhooks, stores them unchanged, and responds with the statuses it is given."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.support.eventually import eventually, scaled


@dataclass(frozen=True)
class Received:
    """One webhook request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def prediction(self) -> dict[str, Any]:
        """The body, parsed."""
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


class Receiver:
    """Responds with the next of `next_statuses`, or with 200 when there are none left."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.next_statuses: list[int] = []
        self.may_respond = threading.Event()
        """Requests get a response only while it is set, as it is at the start."""
        self.may_respond.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The URL for webhooks."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def wait_for(self, count: int) -> list[Received]:
        """Return the first `count` requests once they are here."""
        eventually(lambda: len(self.requests) >= count)
        return self.requests[:count]

    @property
    def statuses(self) -> list[str]:
        """The status of the prediction in each request, in order of arrival."""
        return [request.prediction["status"] for request in self.requests]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append(Received(self.path, headers, body))
                receiver.may_respond.wait(scaled(10))
                status = receiver.next_statuses.pop(0) if receiver.next_statuses else 200
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                """Log nothing, so that the tests' output stays clean."""

        return Handler
