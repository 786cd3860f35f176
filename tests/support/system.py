"""Real worker processes, and everything they need, for tests that kill them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import Engine, text

from db.ids import new_id
from db.records.accounts import account_named, insert_account
from db.tables import assets
from diorama.embedded import EmbeddedS3, ServerCommand, ServerProcess
from diorama.tuning import Tuning
from jobs.identity import Principal
from jobs.requesting.creation import create_avatar, create_story
from jobs.requesting.credits import grant_to_account
from jobs.requesting.requests import AnimationOptions, AvatarRequest, RequestOptions, StoryRequest
from simulator.serve import Background
from storage import S3Store
from storage.keys import asset_key
from tests.support.eventually import eventually, scaled
from tests.support.forked import run_program, start_program
from tests.support.tuned import QUICK, program

SAMPLE = Path(__file__).parents[2] / "diorama" / "demo" / "samples" / "portrait.jpg"


@dataclass
class System:
    """A database, an object store and a provider, the workers on them, and one account with a selfie."""

    engine: Engine
    store: S3Store
    simulator: Background
    environment: dict[str, str]
    directory: Path
    caller: Principal
    selfie_id: UUID
    tuning: Tuning = QUICK
    workers: list[ServerProcess] = field(default_factory=list)
    others: list[ServerProcess] = field(default_factory=list)
    start: Callable[[ServerCommand], ServerProcess] = start_program
    """How processes are started: by default they are forked, which is faster than starting an interpreter."""

    def start_worker(
        self, tuning: Tuning | None = None, within_s: float | None = None, /, **environment: str
    ) -> ServerProcess:
        """Start a worker process and wait until it works; `tuning` has its constants, by default the system's.

        Raises ServerFailed where it does not work `within_s` seconds.
        """
        log_path = self.directory / f"worker-{len(self.workers)}.log"
        command = ServerCommand(
            name="worker",
            argv=[*program(tuning or self.tuning), "worker", "--processes", "1", "--threads", "8"],
            log_path=log_path,
            env={**self.environment, **environment},
            stop_within_s=30.0,
        )
        worker = self.start(command)
        self.workers.append(worker)
        worker.wait_until(lambda: b'"worker"' in log_path.read_bytes(), within_s or scaled(20.0))
        return worker

    @property
    def running(self) -> list[ServerProcess]:
        """The workers that run."""
        return [worker for worker in self.workers if worker.is_running]

    def start_api(self) -> str:
        """Start an API process and return its address."""
        log_path = self.directory / "api.log"
        argv = [sys.executable, "-m", "diorama", "serve", "--port", "0"]
        api = start_program(ServerCommand(name="API", argv=argv, log_path=log_path, env=self.environment))
        self.others.append(api)
        return str(api.wait_until(lambda: _announced(log_path), scaled(30.0)))

    def run(self, *command: str, **environment: str) -> tuple[int, str]:
        """Run a command of the program to its end; return its exit status and what it printed."""
        log_path = self.directory / f"{command[0]}.log"
        argv = [sys.executable, "-m", "diorama", *command]
        env = {**self.environment, **environment}
        return run_program(ServerCommand(name=command[0], argv=argv, log_path=log_path, env=env))

    def calm(self) -> None:
        """Have the provider behave from now on."""
        httpx.delete(f"{self.simulator.api_url}/_simulator/faults").raise_for_status()

    def fault(self, action: str, **rule: Any) -> None:
        """Have the provider misbehave."""
        response = httpx.post(f"{self.simulator.api_url}/_simulator/faults", json={"action": action, **rule})
        response.raise_for_status()

    def creates(self) -> int:
        """Return how many paid calls the provider has accepted, by its own bill."""
        bill = httpx.get(f"{self.simulator.api_url}/_simulator/bill").raise_for_status().json()
        return int(bill["creates"])

    def ask_for_avatar(self, key: str = "avatar") -> UUID:
        """Ask for an avatar and return the job's id."""
        with self.engine.begin() as conn:
            return create_avatar(conn, self.caller, AvatarRequest(RequestOptions(key), self.selfie_id)).resource_id

    def ask_for_story(self, key: str, *, video: bool) -> UUID:
        """Ask for a story, with or without its video, and return its id."""
        animation = AnimationOptions() if video else None
        request = StoryRequest(RequestOptions(key), self.selfie_id, "neon-city", animation=animation)
        with self.engine.begin() as conn:
            return create_story(conn, self.caller, request).resource_id

    def row(self, job_id: UUID) -> Any:
        """Return a job's row."""
        with self.engine.connect() as conn:
            return conn.execute(text("SELECT * FROM jobs WHERE id = :id"), {"id": job_id}).one()

    def events(self, job_id: UUID) -> list[str]:
        """Return the events of a job, first to last."""
        with self.engine.connect() as conn:
            found = conn.scalars(text("SELECT event FROM job_events WHERE job_id = :id ORDER BY seq"), {"id": job_id})
            return list(found)

    def wait_for(self, job_id: UUID, *states: str, claimed: bool = False, within_s: float = 30.0) -> Any:
        """Wait until a job is in one of these states; if `claimed`, until a worker has claimed it there or it ended."""

        def look() -> Any:
            row = self.row(job_id)
            is_so = row.state in states and (not claimed or row.claimed_by)
            return row if is_so or (claimed and row.finished_at) else None

        return eventually(look, within_s=within_s, every_s=0.005)

    def is_left_in(self, job_id: UUID, state: str) -> bool:
        """Return whether a worker that no longer runs had claimed the job in this state when it stopped."""
        row = self.row(job_id)
        return row.state == state and row.claimed_by is not None

    def objects(self, job_id: UUID) -> list[str]:
        """Return the names of the objects that a job has left."""
        prefix = f"jobs/{job_id}/"
        return sorted(found.key.removeprefix(prefix) for found in self.store.list(prefix))


@contextmanager
def running_system(
    engine: Engine, url: str, s3: EmbeddedS3, store: S3Store, simulator: Background, directory: Path
) -> Iterator[System]:
    """Yield a system without workers; those that are started are ended with it."""
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "S3_ENDPOINT_URL": s3.endpoint_url,
        "S3_BUCKET": s3.bucket,
        "S3_ACCESS_KEY_ID": s3.access_key_id,
        "S3_SECRET_ACCESS_KEY": s3.secret_access_key,
        "REPLICATE_BASE_URL": simulator.api_url,
        "REPLICATE_DELIVERY_HOSTS": simulator.delivery_url.removeprefix("http://"),
        "REPLICATE_API_TOKEN": "r8_test",
        "OPENAI_API_KEY": "sk-test",
        "PROVIDER_TIMEOUT_S": "1",
        # The simulator is much faster than what it stands for; so are its budgets.
        "PROVIDER_CREATES_PER_MIN": "60000",
        "PROVIDER_READS_PER_MIN": "100000",
    }
    caller, selfie_id = _account(engine, store)
    made = System(engine, store, simulator, environment, directory, caller, selfie_id)
    try:
        yield made
    finally:
        for process in (*made.workers, *made.others):
            process.kill()


def _announced(log_path: Path) -> str | None:
    """Return the address that the API says it listens at, if it has."""
    for line in log_path.read_bytes().splitlines():
        if line.startswith(b'{"api"'):
            return str(json.loads(line)["api"])
    return None


def _account(engine: Engine, store: S3Store) -> tuple[Principal, UUID]:
    selfie_id = new_id()
    with engine.begin() as conn:
        account_id = account_named(conn, "acme") or insert_account(conn, "acme")
        grant_to_account(conn, account_id, 10_000, actor="test")
        key = asset_key(account_id, selfie_id, "00", "jpg")
        stored = store.put_file(key, SAMPLE, content_type="image/jpeg")
        conn.execute(
            assets.insert().values(
                id=selfie_id,
                account_id=account_id,
                kind="selfie",
                state="ready",
                object_key=key,
                content_type="image/jpeg",
                size_bytes=stored.size_bytes,
                sha256=stored.sha256_hex,
            )
        )
    return Principal(account_id, "partner", "acme"), selfie_id
