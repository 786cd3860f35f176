"""Five durable steps a job on PgQueuer: `five_pgqueuer.py URL JOBS POSTMASTER [rows]`.

Each is a queued job that enqueues the next. With `rows`, each also moves its job's row under a guard and writes its
history, in the transaction that enqueues the next, as a service must that shows the state of its jobs.
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

TABLES = """
CREATE TABLE jobs (id integer PRIMARY KEY, state smallint NOT NULL, seq integer NOT NULL, at timestamptz NOT NULL);
CREATE TABLE job_events (
    job_id integer, seq integer, from_state smallint NOT NULL, to_state smallint NOT NULL, at timestamptz NOT NULL,
    PRIMARY KEY (job_id, seq)
);
"""
MOVE = """
WITH moved AS (
    UPDATE jobs SET state = state + 1, seq = seq + 1, at = now() WHERE id = $1 AND state = $2 RETURNING *
)
INSERT INTO job_events SELECT id, seq, state - 1, state, at FROM moved
"""


async def work(url: str, *, rows: bool) -> None:
    """Work on the five entry points until the process is ended."""
    pool = await asyncpg.create_pool(url, min_size=10, max_size=20)
    pgq = PgQueuer.from_asyncpg_pool(pool)
    queries = Queries(AsyncpgPoolDriver(pool))

    async def enqueue_next(number: int, job: Job) -> None:
        if number < LAST:
            await queries.enqueue(f"step{number + 1}", job.payload)

    async def move_and_enqueue_next(number: int, job: Job) -> None:
        async with pool.acquire() as conn, conn.transaction():
            await conn.execute(MOVE, int(job.payload or b""), number - 1)
            if number < LAST:
                await Queries(AsyncpgDriver(conn)).enqueue(f"step{number + 1}", job.payload)

    def declare(number: int) -> None:
        @pgq.entrypoint(f"step{number}")
        async def step(job: Job) -> None:
            await (move_and_enqueue_next if rows else enqueue_next)(number, job)

    for number in range(1, LAST + 1):
        declare(number)
    await pgq.run(batch_size=BATCH, dequeue_timeout=timedelta(seconds=1))


async def main(url: str, jobs: int, postmaster: int, *, rows: bool) -> None:
    """Install, enqueue, start two workers, and wait until the queue is empty."""
    conn = await asyncpg.connect(url)
    queries = Queries(AsyncpgDriver(conn))
    await queries.install()
    await conn.execute(TABLES)
    await conn.execute("INSERT INTO jobs SELECT n, 0, 0, now() FROM generate_series(0, $1::integer - 1) n", jobs)
    for start in range(0, jobs, 1000):
        ids = range(start, min(start + 1000, jobs))
        await queries.enqueue(["step1"] * len(ids), [b"%d" % number for number in ids], [0] * len(ids))
    shape = ["rows"] if rows else []
    workers = [subprocess.Popen([sys.executable, __file__, url, "worker", *shape]) for _ in range(2)]
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
        if rows:
            assert await conn.fetchval("SELECT count(*) FROM job_events WHERE to_state = $1", LAST) == jobs
        spent = spent_s(pids) + spent_by_postgres_s(postmaster) - spent_before
        print(json.dumps({"jobs_per_s": jobs / (now - began), "cpu_s": spent * 1000 / jobs}))
    finally:
        for worker in workers:
            worker.kill()


if __name__ == "__main__":
    with_rows = sys.argv[-1] == "rows"
    if sys.argv[2] == "worker":
        asyncio.run(work(sys.argv[1], rows=with_rows))
    else:
        asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), rows=with_rows))
