"""The engine: five durable steps a job, with a provider that responds at once."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from db.connection import DatabaseSettings, connect
from db.ids import new_id
from db.migrate import migrate
from db.records.requests import JobRequest, insert_job
from diorama.embedded import EmbeddedPostgres
from statemachine.vocabulary import Kind, OnFailure
from tests.bench.peers.spent import spent_by_postgres_s
from tests.support.databases import create_database, drop_database, unique_name
from tests.support.eventually import eventually
from tests.support.factories import make_world


@dataclass(frozen=True)
class EngineFigure:
    """The figures of a run. Processor seconds are for 1,000 jobs."""

    jobs: int
    jobs_per_s: float
    worker_cpu_s: float
    postgres_cpu_s: float


def measure_engine(server: EmbeddedPostgres, *, jobs: int, processes: int, threads: int) -> EngineFigure:
    """Queue `jobs` jobs, start the workers, and time from their first event to their last."""
    name = unique_name("bench")
    url = create_database(server.url, name)
    engine = connect(DatabaseSettings(url), name="bench")
    try:
        migrate(engine)
        queue_jobs(engine, jobs)
        before = spent_by_postgres_s(server.pid)
        worker_cpu_s = _work(engine, url, jobs, processes, threads)
        postgres_cpu_s = spent_by_postgres_s(server.pid) - before
        return EngineFigure(
            jobs=jobs,
            jobs_per_s=jobs / _took_s(engine),
            worker_cpu_s=worker_cpu_s * 1000 / jobs,
            postgres_cpu_s=postgres_cpu_s * 1000 / jobs,
        )
    finally:
        engine.dispose()
        drop_database(server.url, name)


def queue_jobs(engine: Engine, jobs: int) -> None:
    """Queue `jobs` avatars of one account."""
    with engine.begin() as conn:
        world = make_world(conn)
        request = JobRequest(Kind.AVATAR, "paid", 0, OnFailure.KEEP, input_id=world.selfie_id)
        for _ in range(jobs):
            insert_job(conn, world.owner, new_id(), request, deadline=timedelta(hours=6))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        # Only tables with rows: the planner would expect a table that was analyzed while empty to stay empty.
        conn.execute(text("VACUUM ANALYZE jobs, job_requests, assets, accounts"))


def _work(engine: Engine, url: str, jobs: int, processes: int, threads: int) -> float:
    """Run the workers until every job has succeeded; return the processor seconds that they used."""
    workers = [_start(url, f"bench-{number}", threads) for number in range(processes)]
    done = text("SELECT count(*) FROM jobs WHERE state = 'succeeded'")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        eventually(lambda: conn.scalar(done) == jobs, within_s=300.0, every_s=0.25)
    return sum(float(worker.communicate()[0]) for worker in workers)


def _start(url: str, name: str, threads: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.bench.instant_worker", url, name, str(threads)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )


def _took_s(engine: Engine) -> float:
    with engine.connect() as conn:
        took: timedelta = conn.execute(
            text("SELECT max(at) - min(at) FROM job_events WHERE event <> 'requested'")
        ).scalar_one()
    return took.total_seconds()
