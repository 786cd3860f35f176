"""A worker process that is frozen in the middle of its upload, and goes on after another has recorded the output."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest

from diorama.embedded import ServerProcess
from jobs.upkeep.retention import Leftovers
from storage import Content
from storage.keys import job_prefix
from tests.support.eventually import eventually, scaled
from tests.support.faulty_s3 import Pass, Request, Response, faulty
from tests.support.invariants import assert_attempts_add_up, assert_credits_add_up, assert_sound
from tests.support.pictures import finished_objects
from tests.support.system import Servers, System

pytestmark = pytest.mark.faults


class Gate:
    """Lets the first request of a method for an object of this name, and all of its bytes, wait until it is opened."""

    def __init__(self, method: str, name: str) -> None:
        self._method, self._name = method, name
        self.reached, self.opened, self.passed = Event(), Event(), Event()

    def __call__(self, request: Request, passed: Pass) -> Response:
        is_it = (request.method, request.path.partition("?")[0].rpartition("/")[2]) == (self._method, self._name)
        if is_it and not self.reached.is_set():
            self.reached.set()
            self.opened.wait(scaled(120))
            response = passed(request)
            self.passed.set()
            return response
        return passed(request)


@contextmanager
def frozen(system: System, servers: Servers, gate: Gate) -> Iterator[tuple[UUID, ServerProcess]]:
    """Yield an avatar's job and its worker, stopped where its store lets it wait. It would write other bytes."""
    with faulty(servers.s3.endpoint_url, gate) as address:
        worker = system.start_worker(S3_ENDPOINT_URL=address, VISIBLE_LABEL="Late")
        job_id = system.ask_for_avatar()
        try:
            eventually(gate.reached.is_set, within_s=60)
            worker.signal(signal.SIGSTOP)
            eventually(lambda: _is_stopped(worker.pid))
            yield job_id, worker
        finally:
            gate.opened.set()
            worker.kill()


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def assert_as_recorded(system: System, job_id: UUID, folder: Path) -> None:
    """Download all that the job's rows name, and compare it with their digests."""
    rows = system.rows(
        "SELECT a.object_key, a.size_bytes, a.sha256 FROM jobs j JOIN assets a ON a.id = j.output_id WHERE j.id = :id "
        "UNION ALL SELECT r.object_key, r.size_bytes, r.sha256 "
        "FROM jobs j JOIN renditions r ON r.asset_id = j.output_id WHERE j.id = :id",
        id=job_id,
    )
    assert len(rows) == len(finished_objects(1)) - 1
    for key, size_bytes, sha256 in rows:
        system.store.download(key, folder / "file", max_bytes=10**8, content=Content(size_bytes, sha256))


@pytest.mark.parametrize(
    ("method", "name", "is_continued"),
    [("PUT", "avatar.png", True), ("PUT", "avatar.png", False), ("GET", "source.png", True)],
    ids=["bytes under way, continued", "bytes under way, killed", "before its upload, continued"],
)
def test_a_worker_that_is_frozen_in_its_upload_changes_no_recorded_byte(
    servers: Servers, tmp_path: Path, method: str, name: str, is_continued: bool
) -> None:
    """Its keys are those of its own lease. It removes what it wrote; if it dies, the scan for leftovers does."""
    gate = Gate(method, name)
    with servers.system(tmp_path) as system, frozen(system, servers, gate) as (job_id, zombie):
        system.start_worker()
        before = system.wait_for(job_id, "succeeded")
        gate.opened.set()
        assert gate.passed.wait(scaled(20))
        assert_as_recorded(system, job_id, tmp_path)
        if method == "PUT":
            late = _late(system, job_id)
            assert [each.rpartition("/")[2] for each in late] == ["avatar.png"]
        if is_continued:
            zombie.signal(signal.SIGCONT)
            zombie.stop()
        else:
            zombie.kill()
            eventually(lambda: Leftovers(system.engine, system.store, timedelta(0)).purge() == 1)
        assert_as_recorded(system, job_id, tmp_path)
        assert system.objects(job_id) == finished_objects(1)
        assert (system.row(job_id), len(system.events(job_id))) == (before, before.seq)
        for check in (assert_sound, assert_attempts_add_up, assert_credits_add_up):
            check(system.engine)


def _late(system: System, job_id: UUID) -> list[str]:
    """Return the keys of the job's objects that no row names."""
    named = system.scalars(
        "SELECT object_key FROM assets UNION ALL SELECT object_key FROM renditions "
        "UNION ALL SELECT source_key FROM attempts WHERE source_key IS NOT NULL"
    )
    return [each.key for each in system.store.list(job_prefix(job_id)) if each.key not in named]
