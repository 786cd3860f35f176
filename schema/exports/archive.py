"""A ZIP that is sent while it is written: nothing is kept of what has been sent, except the list of its entries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo


class _Outgoing:
    """Keeps what has been written until it is taken. It cannot seek, so sizes follow the contents of entries."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Keep what there is until it is taken."""

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


class Archive:
    """Writes entries, one after the other. Take what is to be sent as often as memory is to be freed."""

    def __init__(self) -> None:
        self._outgoing = _Outgoing()
        self._zip = ZipFile(cast("IO[bytes]", self._outgoing), "w")

    @contextmanager
    def entry(self, name: str, *, size_bytes: int | None = None) -> Iterator[IO[bytes]]:
        """Open an entry: compressed text, or a file of a known size, which has been compressed as far as it goes."""
        info = ZipInfo(name, datetime.now(UTC).timetuple()[:6])
        info.compress_type = ZIP_DEFLATED if size_bytes is None else ZIP_STORED
        # Above 2 GB the lengths are written with more digits, which has to be known before.
        info.file_size = size_bytes or 0
        with self._zip.open(info, "w") as entry:
            yield entry

    def take(self) -> bytes:
        """Return what has been written since the last call."""
        return self._outgoing.take()

    def end(self) -> bytes:
        """Write the list of entries, and return what is left to be sent."""
        self._zip.close()
        return self.take()
