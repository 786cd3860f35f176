"""Sees which files of a folder are opened, and whether a port is called, without tracing a process."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_IN_OPEN: Final = 0x20
_EVENT: Final = struct.Struct("iIII")
_EVENTS_BYTES: Final = 2**16


class Openings:
    """Knows what was opened in some folders since it was last asked, and the calls on a port of its own."""

    def __init__(self, inotify: int, listener: socket.socket) -> None:
        self._inotify = inotify
        self._listener = listener

    @property
    def port(self) -> int:
        """Return the port of this machine that no process has a reason to call."""
        port: int = self._listener.getsockname()[1]
        return port

    def opened(self) -> set[str]:
        """Return the names of the files that were opened."""
        names = set[str]()
        while events := self._events():
            while events:
                *_, length = _EVENT.unpack_from(events)
                names.add(events[_EVENT.size : _EVENT.size + length].rstrip(b"\0").decode())
                events = events[_EVENT.size + length :]
        return names - {""}

    def _events(self) -> bytes:
        try:
            return os.read(self._inotify, _EVENTS_BYTES)
        except BlockingIOError:
            return b""

    def was_called(self) -> bool:
        """Return whether a connection was made to the port."""
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@contextmanager
def seen_opening(*folders: Path) -> Iterator[Openings]:
    """Yield what is opened in some folders. Only Linux can say."""
    library = ctypes.CDLL(None, use_errno=True)
    inotify = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        for folder in folders:
            if library.inotify_add_watch(inotify, bytes(folder), _IN_OPEN) < 0:
                raise OSError(ctypes.get_errno(), "inotify_add_watch", str(folder))
        yield Openings(inotify, listener)
    os.close(inotify)
