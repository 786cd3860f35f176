"""A process that moves jobs until it is killed: `python -m tests.soak.activity_writer URL SEED LOG`.

Its transactions move several jobs at once; some wait before they commit, some roll back, all or to a savepoint. `LOG`
gets a line for each that ended: its id, and times of one clock, before it began and after its end was confirmed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from random import Random

import psycopg

# Without waiting for others, or the writers would spend their time in deadlocks.
_LOCK = "SELECT id FROM jobs WHERE id = ANY (%s) FOR UPDATE SKIP LOCKED"
_MOVE = "UPDATE jobs SET event = 'postponed', actor = 'worker', seq = seq + 1 WHERE id = ANY (%s)"


def main(url: str, seed: int, log: Path) -> None:
    """Move jobs, and connect again after each error, until the process is killed."""
    draw = Random(seed)
    with log.open("a", buffering=1) as written:
        while True:
            try:
                with psycopg.connect(url, autocommit=True) as conn:
                    jobs = [job_id for (job_id,) in conn.execute("SELECT id FROM jobs")]
                    while True:
                        if line := _transaction(conn, jobs, draw):
                            written.write(line)
            except psycopg.Error:
                time.sleep(0.1)


def _transaction(conn: psycopg.Connection, jobs: list[object], draw: Random) -> str:
    """Run a transaction and return its line; nothing if it rolled back."""
    began = time.monotonic_ns()
    with conn.transaction():
        found = conn.execute("SELECT pg_current_xact_id()::text").fetchone()
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            _move(conn, draw.sample(jobs, draw.randint(1, 60)), draw)
        # Transactions that take long: the sequencer must not wait for them, nor pass over them.
        time.sleep(draw.choices((0, 0.01, 0.5), (40, 4, 1))[0] * draw.random())
        if draw.random() < 0.1:
            raise psycopg.Rollback
    return f"{found[0]} {began} {time.monotonic_ns()}\n" if found else ""


def _move(conn: psycopg.Connection, jobs: list[object], draw: Random) -> None:
    with conn.transaction():
        free = [job_id for (job_id,) in conn.execute(_LOCK, [jobs])]
        conn.execute(_MOVE, [free])
        if draw.random() < 0.1:
            raise psycopg.Rollback


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
