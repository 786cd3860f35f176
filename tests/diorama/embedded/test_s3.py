"""Rules of the embedded object store."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from diorama.embedded import EmbeddedS3, seaweedfs
from diorama.embedded import s3 as module
from diorama.embedded.errors import EmbeddedServerError, ServerMissing
from diorama.embedded.seaweedfs import choose_ports
from storage import S3Store, StorageMisconfigured


def test_only_its_own_key_opens_it(s3_server: EmbeddedS3) -> None:
    with pytest.raises(StorageMisconfigured):
        S3Store(replace(s3_server.settings, secret_access_key="guessed")).check()


def test_writing_to_a_missing_bucket_does_not_create_it(s3_server: EmbeddedS3) -> None:
    with pytest.raises(StorageMisconfigured, match="NoSuchBucket"):
        S3Store(replace(s3_server.settings, bucket="never-made")).check()


def test_its_internal_parts_require_authentication(s3_server: EmbeddedS3) -> None:
    """They listen on their own loopback ports, which every user of the machine can reach."""
    filer = f"http://127.0.0.1:{s3_server._ports['filer.port']}"
    assert httpx.get(f"{filer}/buckets/").status_code == 401
    assert httpx.post(f"{filer}/buckets/{s3_server.bucket}/planted", files={"file": b"x"}).status_code == 401


def test_it_listens_on_the_loopback_address_only(s3_server: EmbeddedS3) -> None:
    listening = {
        line.split()[1].split(":")[0]
        for line in Path(f"/proc/{s3_server.pid}/net/tcp").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[9] in sockets_of(s3_server.pid)
    }
    assert listening == {"0100007F"}


def sockets_of(pid: int) -> set[str]:
    """Return the inode numbers of a process's sockets."""
    targets = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    return {target[8:-1] for target in targets if target.startswith("socket:[")}


@pytest.mark.parametrize("part", ["master.port", "s3.port"])
def test_a_taken_port_is_replaced_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    really_free = choose_ports
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken = stranger.getsockname()[1]
        offers = iter([{**really_free(), part: taken}])
        monkeypatch.setattr(module, "choose_ports", lambda: next(offers, None) or really_free())
        with EmbeddedS3(tmp_path) as server:
            assert server.endpoint_url != f"http://127.0.0.1:{taken}"
            S3Store(server.settings).check()


def test_keys_of_another_store_in_the_environment_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine as well")
    with EmbeddedS3(tmp_path) as server:
        S3Store(server.settings).check()
        with pytest.raises(StorageMisconfigured):
            S3Store(replace(server.settings, access_key_id="mine", secret_access_key="mine as well")).check()


def test_a_store_has_no_address_before_the_start(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServerError, match=r"call start\(\) first"):
        _ = EmbeddedS3(tmp_path).endpoint_url


def test_a_missing_program_is_named_with_what_would_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seaweedfs, "DISTRIBUTION", "no-such-distribution")
    with pytest.raises(ServerMissing, match=r"no-such-distribution is missing.*extra 'embedded'"):
        EmbeddedS3(tmp_path).start()


def test_only_sockets_of_ended_servers_are_removed(open_directory: Path) -> None:
    with socket.socket(socket.AF_UNIX) as living, socket.socket(socket.AF_UNIX) as starting:
        for name, age_s, server in (("living", 3600, living), ("starting", 0, starting)):
            bind(server, open_directory / f"seaweedfs-{name}-grpc-1.sock", age_s)
        living.listen()
        with socket.socket(socket.AF_UNIX) as gone:
            bind(gone, open_directory / "seaweedfs-gone-grpc-1.sock", age_s=3600)
        seaweedfs.remove_dead_sockets(open_directory)
        left = sorted(path.name for path in open_directory.iterdir())
    assert left == ["seaweedfs-living-grpc-1.sock", "seaweedfs-starting-grpc-1.sock"]


def bind(server: socket.socket, path: Path, age_s: float) -> None:
    server.bind(str(path))
    then = time.time() - age_s
    os.utime(path, (then, then))
