"""A web server on loopback that sends exactly the bytes that a test wants, and a reach that includes it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_network
from ssl import SSLContext

from jobs.reach.connecting import Reach, Resolver, resolve

Responder = Callable[[socket.socket], None]


def sends(*pieces: bytes) -> Responder:
    """Return a responder that sends these bytes."""

    def respond(conn: socket.socket) -> None:
        for piece in pieces:
            conn.sendall(piece)

    return respond


def picture(content: bytes, content_type: str = "image/jpeg") -> Responder:
    """Return a complete response with a file."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(content)}\r\n\r\n"
    return sends(head.encode(), content)


def redirect(to: str, status: int = 302) -> Responder:
    """Return a redirect."""
    return sends(f"HTTP/1.1 {status} Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())


@dataclass
class PictureHost:
    """A running server: `respond` serves each request, whose bytes are in `requests`."""

    port: int
    respond: Responder
    requests: list[bytes] = field(default_factory=list)

    def url(self, host: str = "127.0.0.1", path: str = "/me.jpg", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def reach(self, *networks: str, resolver: Resolver = resolve) -> Reach:
        """Return the reach of production and this server's port, and also these networks."""
        ports = frozenset({80, 443, self.port})
        return Reach(ports, tuple(ip_network(each) for each in networks), resolver)


@contextmanager
def picture_host(respond: Responder, tls: SSLContext | None = None) -> Iterator[PictureHost]:
    """Serve until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = PictureHost(listener.getsockname()[1], respond)
        thread = threading.Thread(target=_accept, args=(listener, host, tls), daemon=True)
        thread.start()
        yield host
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _accept(listener: socket.socket, host: PictureHost, tls: SSLContext | None) -> None:
    with suppress(OSError):
        while True:
            conn, _ = listener.accept()
            threading.Thread(target=_serve, args=(conn, host, tls), daemon=True).start()


def _serve(conn: socket.socket, host: PictureHost, tls: SSLContext | None) -> None:
    with suppress(OSError), conn, tls.wrap_socket(conn, server_side=True) if tls else conn as opened:
        host.requests.append(opened.recv(65536))
        host.respond(opened)


def resolves(*addresses: str) -> Resolver:
    """Return a resolver that gives the same addresses for each host."""

    def resolver(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolver
