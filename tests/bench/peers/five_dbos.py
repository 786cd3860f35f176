"""Five durable steps a workflow on DBOS Transact: `five_dbos.py URL JOBS`. The first process enqueues; both work."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import psycopg
from dbos import DBOS, DBOSClient

QUEUE = "five"


@DBOS.step()
def step(number: int) -> int:
    """Do nothing, durably."""
    return number + 1


@DBOS.workflow()
def five(number: int) -> int:
    """Five steps."""
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


def main(url: str, jobs: int) -> None:
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
        began, ended = _watch(url, jobs)
        print(json.dumps({"jobs_per_s": jobs / (ended - began)}))
        for worker in workers:
            worker.kill()
    finally:
        first.kill()


def _await_schema(url: str) -> None:
    while True:
        with psycopg.connect(url) as conn:
            if conn.execute("SELECT to_regclass('dbos.workflow_status')").fetchone()[0] is not None:
                time.sleep(2)
                return
        time.sleep(0.2)


def _watch(url: str, jobs: int) -> tuple[float, float]:
    """Return when the first job had begun and when the last had ended."""
    began = 0.0
    with psycopg.connect(url, autocommit=True) as conn:
        while True:
            done, waiting = conn.execute(
                "SELECT count(*) FILTER (WHERE status = 'SUCCESS'), count(*) FILTER (WHERE status = 'ENQUEUED') "
                "FROM dbos.workflow_status"
            ).fetchone()
            now = time.monotonic()
            if not began and waiting < jobs:
                began = now
            if done >= jobs:
                return began, now
            time.sleep(0.1)


if __name__ == "__main__":
    if sys.argv[2] == "worker":
        work(sys.argv[1], sys.argv[3])
    else:
        main(sys.argv[1], int(sys.argv[2]))
