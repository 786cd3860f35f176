"""A relay of TCP connections, which can be cut while they are in use."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_AT_ONCE = 65_536


@dataclass
class Relay:
    """Relays connections from its own port to another."""

    listener: socket.socket
    target: tuple[str, int]
    _open: set[socket.socket] = field(default_factory=set)

    @property
    def port(self) -> int:
        """Return the port to connect to."""
        return int(self.listener.getsockname()[1])

    def cut(self) -> int:
        """Cut all connections, and return how many there were."""
        cut, self._open = self._open, set()
        for each in cut:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        return len(cut) // 2

    def serve(self) -> None:
        """Relay until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target)
                self._open |= {client, server}
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_AT_ONCE):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def relaying(url: str) -> Iterator[Relay]:
    """Yield a relay to the host and port of an address."""
    parts = urlsplit(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = Relay(listener, (str(parts.hostname), int(parts.port or 80)))
        threading.Thread(target=relay.serve, daemon=True).start()
        yield relay
        # Wakes `accept`, which closing the listener does not.
        listener.shutdown(socket.SHUT_RDWR)
        relay.cut()
