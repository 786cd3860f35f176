"""The interface of all embedded servers: `with`, `start`, `stop`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class EmbeddedServer(ABC):
    """A server that runs from `start` to `stop`, or during a `with` block."""

    @abstractmethod
    def start(self) -> Self:
        """Start the server and return when it is ready. Raises `EmbeddedServerError` and leaves nothing running."""

    @abstractmethod
    def stop(self) -> None:
        """Stop the server and remove its temporary directories. May be called any number of times."""

    @property
    @abstractmethod
    def pid(self) -> int:
        """The process id of the running server. Raises `EmbeddedServerError` if it does not run."""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
