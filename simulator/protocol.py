"""Uvicorn's HTTP protocol with one addition: an application can reset the connection of its request."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

RESET = "simulator.reset"
_LINGER_NO_TIME = struct.pack("ii", 1, 0)


class ResettableProtocol(HttpToolsProtocol):
    """Puts a function under `scope["simulator.reset"]` that ends the connection with a TCP reset."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: MutableMapping[str, Any] = self.scope  # type: ignore[assignment]
        scope[RESET] = self._reset

    def _reset(self) -> None:
        # With a linger time of zero, closing sends RST instead of FIN: the client sees "connection reset by peer".
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NO_TIME)
        self.transport.abort()


def reset_connection(scope: MutableMapping[str, Any]) -> None:
    """Reset the connection of this request."""
    reset: Callable[[], None] = scope[RESET]
    reset()
