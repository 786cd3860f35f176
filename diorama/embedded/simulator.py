"""The simulated provider: this project's package `simulator`, in its own process."""

from __future__ import annotations

import atexit
import json
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from diorama.embedded.errors import EmbeddedServerError, ServerMissing
from diorama.embedded.process import ServerCommand, ServerProcess
from diorama.embedded.server import EmbeddedServer

READY_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class SimulatorAddresses:
    """The simulator's addresses: its API, and the host that delivers the models' outputs."""

    api_url: str
    delivery_url: str


class SimulatorProcess(EmbeddedServer):
    """A running simulator. `speed` is how many times as fast as the real models it is."""

    def __init__(self, directory: Path, *, speed: float = 1.0) -> None:
        self._directory = directory.resolve()
        self._speed = speed
        self._process: ServerProcess | None = None
        self._addresses: SimulatorAddresses | None = None

    @property
    def pid(self) -> int:
        """The process id of the simulator."""
        if self._process is None:
            raise EmbeddedServerError("The simulator is not running: call start() first, or use it in a with block.")
        return self._process.pid

    @property
    def api_url(self) -> str:
        """The address to use in place of Replicate's API."""
        return self._known.api_url

    @property
    def delivery_url(self) -> str:
        """The address that the URLs of all outputs begin with."""
        return self._known.delivery_url

    @property
    def log_path(self) -> Path:
        """The simulator's log."""
        return self._directory / "simulator.log"

    def start(self) -> Self:
        """Start the simulator on free ports. Raises `ServerMissing` if the extra `studio` is not installed."""
        if self._process is not None:
            return self
        for module in ("simulator", "numpy"):
            if find_spec(module) is None:
                raise ServerMissing("The simulator", module, extra="studio")
        self._directory.mkdir(parents=True, exist_ok=True)
        self._process = ServerProcess.start(self._command())
        atexit.register(self.stop)
        try:
            self._addresses = self._process.wait_until(self._announcement, READY_WITHIN_S)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the simulator. Unfinished predictions are lost."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        atexit.unregister(self.stop)

    @property
    def _known(self) -> SimulatorAddresses:
        if self._addresses is None:
            raise EmbeddedServerError("The simulator has no address yet: call start() first, or use a with block.")
        return self._addresses

    def _command(self) -> ServerCommand:
        ports = ("--port", "0", "--delivery-port", "0")
        return ServerCommand(
            name="The simulator",
            argv=[sys.executable, "-m", "simulator", *ports, "--speed", f"{self._speed:g}"],
            log_path=self.log_path,
        )

    def _announcement(self) -> SimulatorAddresses | None:
        """Return the addresses that the simulator prints as a line of JSON once it listens, or None if it has not."""
        assert self._process is not None
        for line in self._process.output().splitlines(keepends=True):
            if line.startswith('{"api"') and line.endswith("\n"):
                addresses = json.loads(line)
                return SimulatorAddresses(addresses["api"], addresses["delivery"])
        return None
