"""Five durable steps a workflow on DBOS Transact: `five_dbos.py URL JOBS POSTMASTER`.

The first process enqueues; both work.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable

import psycopg
from dbos import DBOS, DBOSClient
from spent import spent_by_postgres_s, spent_s

QUEUE = "five"


@DBOS.step()
def step(number: int) -> int:
    """Do nothing, durably."""
    return number + 1


@DBOS.workflow()
def five(number: int) -> int:
    """Run five steps."""
    for _ in range(5):
        number = step(number)
    return number


def work(url: str, executor: str) -> None:
    """Work on the queue until the process is ended."""
    DBOS(
        config={
            "name": "five",
            "system_database_url": url,
            "sys_db_pool_size": 20,
            "executor_id": executor,
            "application_version": "1",
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=64, polling_interval_sec=0.05)
    time.sleep(600)


def main(url: str, jobs: int, postmaster: int) -> None:
    """Enqueue, start two workers, and wait for the last job."""
    first = subprocess.Popen([sys.executable, __file__, url, "worker", "w0"])
    try:
        _await_schema(url)
        client = DBOSClient(system_database_url=url)
        first.terminate()
        first.wait()
        for number in range(jobs):
            client.enqueue({"queue_name": QUEUE, "workflow_name": five.__qualname__, "app_version": "1"}, number)
        workers = [subprocess.Popen([sys.executable, __file__, url, "worker", f"w{n}"]) for n in (1, 2)]
        took_s, spent = _await_jobs(
            url, jobs, lambda: spent_s(worker.pid for worker in workers) + spent_by_postgres_s(postmaster)
        )
        print(json.dumps({"jobs_per_s": jobs / took_s, "cpu_s": spent * 1000 / jobs}))
        for worker in workers:
            worker.kill()
    finally:
        first.kill()


def _await_schema(url: str) -> None:
    while True:
        with psycopg.connect(url) as conn:
            found = conn.execute("SELECT to_regclass('dbos.workflow_status')").fetchone()
            if found is not None and found[0] is not None:
                time.sleep(2)
                return
        time.sleep(0.2)


def _await_jobs(url: str, jobs: int, spent_so_far_s: Callable[[], float]) -> tuple[float, float]:
    """Return the seconds from the first job's beginning to the last one's end, and the processor time in between."""
    began, spent_before = 0.0, 0.0
    with psycopg.connect(url, autocommit=True) as conn:
        while True:
            [(done, waiting)] = conn.execute(
                "SELECT count(*) FILTER (WHERE status = 'SUCCESS'), count(*) FILTER (WHERE status = 'ENQUEUED') "
                "FROM dbos.workflow_status"
            ).fetchall()
            now = time.monotonic()
            if not began and waiting < jobs:
                began, spent_before = now, spent_so_far_s()
            if done >= jobs:
                return now - began, spent_so_far_s() - spent_before
            time.sleep(0.1)


if __name__ == "__main__":
    if sys.argv[2] == "worker":
        work(sys.argv[1], sys.argv[3])
    else:
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
