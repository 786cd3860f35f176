"""Raw sockets: the messages that open them and subscribe, and the code with which the server closes them."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.support.eventually import scaled
from tests.support.serving import Caller

THEMES = "{ themes { key } }"


def close_code(connection: ClientConnection) -> int:
    """Return the code with which the server closes, after everything that it still sends."""
    with pytest.raises(ConnectionClosed) as closed:
        _drain(connection)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def _drain(connection: ClientConnection) -> None:
    while True:
        connection.recv(timeout=scaled(10))


def opening(caller: Caller) -> dict[str, Any]:
    return {"type": "connection_init", "payload": {"authorization": f"Bearer {caller.secret}"}}


def subscription(query: Any = THEMES, **more: Any) -> dict[str, Any]:
    return {"type": "subscribe", "id": "1", "payload": {"query": query, **more}}
