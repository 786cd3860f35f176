"""A real object store of our own, for the demo, for `make up` and for the tests."""

from __future__ import annotations

import atexit
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from diorama.embedded.errors import EmbeddedServerError, ServerFailed
from diorama.embedded.ports import LOOPBACK
from diorama.embedded.process import ServerCommand, ServerProcess
from diorama.embedded.scratch import Scratch, make_scratch
from diorama.embedded.seaweedfs import (
    choose_ports,
    remove_dead_sockets,
    remove_run_state,
    remove_sockets,
    weed_command,
    write_key,
)
from diorama.embedded.server import EmbeddedServer
from storage import S3Settings, S3Store, StorageError

BUCKET = "diorama"
READY_WITHIN_S = 30.0
START_ATTEMPTS = 5

# Errors that may be gone at the next attempt: another process took one of our ports first.
TRANSIENT_ERRORS = ("not available", "already in use")


class EmbeddedS3(EmbeddedServer):
    """An object store with one bucket and one key, both fresh.

    `directory` contains the log and the objects, which the next start on the same directory finds.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()
        self._access_key_id = secrets.token_hex(10)
        self._secret_access_key = secrets.token_urlsafe(30)
        self._ports: Mapping[str, int] = {}
        self._scratch: Scratch | None = None
        self._process: ServerProcess | None = None

    @property
    def endpoint_url(self) -> str:
        """The address of the S3 interface."""
        return _address(self._s3_port)

    @property
    def access_key_id(self) -> str:
        """The id of the key, which has all rights."""
        return self._access_key_id

    @property
    def secret_access_key(self) -> str:
        """The key itself."""
        return self._secret_access_key

    @property
    def bucket(self) -> str:
        """The bucket that `start` creates."""
        return BUCKET

    @property
    def settings(self) -> S3Settings:
        """The settings for an `S3Store`."""
        return self._settings_at(self._s3_port)

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._running.pid

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self._directory / "seaweedfs.log"

    def start(self) -> Self:
        """Start the store, on its previous ports if it ran before, and write and delete a first object."""
        if self._process is not None:
            return self
        atexit.register(self.stop)
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            remove_dead_sockets()
            self._scratch = make_scratch()
            self._process = self._start_process()
        except BaseException:
            self.stop()
            raise
        return self

    def restart(self) -> None:
        """Kill the store and start it again: same address, same key, same objects."""
        self.kill()
        self._process = self._start_process()

    def kill(self) -> None:
        """End the store at once, as a crash would. `restart` brings it back."""
        self._running.kill()
        remove_sockets(self._running.output())

    def stop(self) -> None:
        """Kill the store, without waiting for a graceful stop: it has nothing in memory that is not being written."""
        if self._process is not None:
            self.kill()
            self._process = None
        if self._scratch is not None:
            self._scratch.remove()
            self._scratch = None
        atexit.unregister(self.stop)

    @property
    def _running(self) -> ServerProcess:
        if self._process is None:
            raise EmbeddedServerError("The object store is not running: call start() first, or use a with block.")
        return self._process

    def _start_process(self) -> ServerProcess:
        """Start the store on its previous ports, which others may know, or the first time on any free ones."""
        for _ in range(START_ATTEMPTS - 1):
            try:
                return self._start_once(self._ports or choose_ports())
            except ServerFailed as failure:
                if not any(error in failure.log_tail for error in TRANSIENT_ERRORS):
                    raise
        return self._start_once(self._ports or choose_ports())

    def _start_once(self, ports: Mapping[str, int]) -> ServerProcess:
        process = ServerProcess.start(self._command(ports))
        try:
            # From its own log, because another process that took the port first could respond there.
            process.wait_until(lambda: f"at http port {ports['s3.port']}" in process.output(), READY_WITHIN_S)
            process.wait_until(lambda: self._takes_an_object(ports), READY_WITHIN_S)
        except BaseException:
            process.kill()
            remove_sockets(process.output())
            raise
        self._ports = ports
        return process

    @property
    def _s3_port(self) -> int:
        if not self._ports:
            raise EmbeddedServerError("The object store has no address yet: call start() first, or use a with block.")
        return self._ports["s3.port"]

    def _settings_at(self, port: int) -> S3Settings:
        return S3Settings(
            endpoint_url=_address(port),
            bucket=self.bucket,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
        )

    def _takes_an_object(self, ports: Mapping[str, int]) -> bool:
        """Return whether the bucket accepts an object. The first one allocates space, which takes a moment."""
        store = S3Store(self._settings_at(ports["s3.port"]))
        try:
            store.ensure_bucket()
            store.put_stream("first", [b"object"], content_type="text/plain", max_bytes=6)
            store.delete(["first"])
        except StorageError:
            return False
        return True

    def _command(self, ports: Mapping[str, int]) -> ServerCommand:
        assert self._scratch is not None
        data, scratch = self._directory / "seaweedfs", self._scratch.path
        remove_run_state(data)
        key_file = write_key(scratch, self._access_key_id, self._secret_access_key)
        return weed_command(data, scratch, ports, key_file, self.log_path)


def _address(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"
