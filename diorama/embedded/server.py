"""What all embedded servers have in common for those who use them: `with`, `start`, `stop`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class EmbeddedServer(ABC):
    """A server that runs from `start` to `stop`, or as long as a `with` block."""

    @abstractmethod
    def start(self) -> Self:
        """Start the server and return when it can be used. Raises `EmbeddedServerError`, and leaves nothing running."""

    @abstractmethod
    def stop(self) -> None:
        """End the server and remove what it kept in temporary directories. May be called any number of times."""

    @property
    @abstractmethod
    def pid(self) -> int:
        """The process id of the running server. Raises `EmbeddedServerError` when it does not run."""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
