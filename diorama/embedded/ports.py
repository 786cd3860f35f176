"""Free ports on the loopback address."""

from __future__ import annotations

import socket
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"
HIGHEST_PORT = 65_535


def free_port() -> int:
    """Return a loopback port that no process listens on. Another may take it before you do: see `free_ports`."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return `count` different free ports.

    All stay bound until the last is found, so that none is returned twice, and are released on return. If another
    process then takes a port before the server does, the caller starts the server again on other ports.
    """
    with ExitStack() as bound:
        sockets = [bound.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def free_port_with_twin(offset: int) -> int:
    """Return a free port for a server that also listens on the port `offset` above it, which is free too."""
    while True:
        port = free_port()
        if port + offset <= HIGHEST_PORT and not is_listening(port + offset):
            return port


def is_listening(port: int) -> bool:
    """Return whether a process listens on this loopback port now."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0
