"""Five durable steps a job on PgQueuer: `five_pgqueuer.py URL JOBS POSTMASTER`.

Each is a queued job that enqueues the next.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from datetime import timedelta

import asyncpg
from pgqueuer import AsyncpgDriver, AsyncpgPoolDriver, PgQueuer, Queries
from pgqueuer.models import Job
from spent import spent_by_postgres_s, spent_s

LAST = 5
BATCH = 50


async def work(url: str) -> None:
    """Work on the five entry points until the process is ended."""
    pool = await asyncpg.create_pool(url, min_size=10, max_size=20)
    pgq = PgQueuer.from_asyncpg_pool(pool)
    queries = Queries(AsyncpgPoolDriver(pool))

    def declare(number: int) -> None:
        @pgq.entrypoint(f"step{number}")
        async def step(job: Job) -> None:
            if number < LAST:
                await queries.enqueue(f"step{number + 1}", job.payload)

    for number in range(1, LAST + 1):
        declare(number)
    await pgq.run(batch_size=BATCH, dequeue_timeout=timedelta(seconds=1))


async def main(url: str, jobs: int, postmaster: int) -> None:
    """Install, enqueue, start two workers, and wait until the queue is empty."""
    conn = await asyncpg.connect(url)
    queries = Queries(AsyncpgDriver(conn))
    await queries.install()
    for start in range(0, jobs, 1000):
        size = min(1000, jobs - start)
        await queries.enqueue(["step1"] * size, [b"x"] * size, [0] * size)
    workers = [subprocess.Popen([sys.executable, __file__, url, "worker"]) for _ in range(2)]
    try:
        began, spent_before = 0.0, 0.0
        pids = [worker.pid for worker in workers]
        while True:
            left, first = await conn.fetchrow(
                "SELECT count(*), count(*) FILTER (WHERE entrypoint = 'step1' AND status = 'queued') FROM pgqueuer"
            )
            now = time.monotonic()
            if not began and first < jobs:
                began, spent_before = now, spent_s(pids) + spent_by_postgres_s(postmaster)
            if began and left == 0:
                break
            await asyncio.sleep(0.1)
        spent = spent_s(pids) + spent_by_postgres_s(postmaster) - spent_before
        print(json.dumps({"jobs_per_s": jobs / (now - began), "cpu_s": spent * 1000 / jobs}))
    finally:
        for worker in workers:
            worker.kill()


if __name__ == "__main__":
    if sys.argv[2] == "worker":
        asyncio.run(work(sys.argv[1]))
    else:
        asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
