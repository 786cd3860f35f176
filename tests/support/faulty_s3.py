"""A proxy in front of a real object store, through which the store does one thing wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

_PER_CONNECTION = frozenset({"connection", "transfer-encoding", "content-length", "expect", "keep-alive"})


@dataclass(frozen=True)
class Request:
    """A request as it came; the names of headers are in lower case, as in a response."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """A response as it goes out."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    def without(self, beginning: str) -> Response:
        """Return it without the headers whose names begin like this."""
        return replace(self, headers={name: value for name, value in self.headers.items() if beginning not in name})


Pass = Callable[[Request], Response]
Fault = Callable[[Request, Pass], Response]


@contextmanager
def faulty(store_url: str, fault: Fault) -> Iterator[str]:
    """Serve the store at `store_url` with a fault, and yield the address."""
    handler = _handler(lambda request: fault(request, partial(_forward, urlsplit(store_url).netloc)))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _forward(host: str, request: Request) -> Response:
    """Pass a request to the store and return its response."""
    connection = HTTPConnection(host, timeout=60)
    try:
        connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in (*request.headers.items(), ("content-length", str(len(request.body)))):
            connection.putheader(name, value)
        connection.endheaders(request.body)
        got = connection.getresponse()
        # A HEAD has no body that would tell its length.
        dropped = _PER_CONNECTION - ({"content-length"} if request.method == "HEAD" else set())
        headers = {name.lower(): value for name, value in got.getheaders() if name.lower() not in dropped}
        return Response(got.status, headers, got.read())
    finally:
        connection.close()


def _handler(respond_to: Pass) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            sent = {name: value for name, value in headers.items() if name not in _PER_CONNECTION}
            self._send(respond_to(Request(self.command, self.path, sent, body)))

        def _send(self, response: Response) -> None:
            self.send_response_only(response.status)
            for name, value in ({"content-length": str(len(response.body))} | response.headers).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)

        do_HEAD = do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = respond  # noqa: N815 - the library's names

        def log_message(self, format: str, *arguments: Any) -> None:
            """Log nothing."""

    return Handler
