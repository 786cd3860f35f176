"""The time from a commit to the arrival of its webhooks: a thousand endpoints, a tenth of them dead.

`python -m tests.bench.webhooks URL` measures on a migrated database that is thrown away afterwards. A receiver in a
process of its own notes when each message arrives. Some dead endpoints refuse connections, some respond with 500, and
some accept connections and never respond.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import socket
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from statistics import quantiles
from threading import Event, Thread
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from db.connection import DatabaseSettings, connect
from db.engine.activity import sequence
from db.ids import new_id
from jobs.webhooks.pace import WebhookPace
from tests.support.factories import make_job, make_world
from tests.support.webhooks import Hooks

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_FAILED = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
_MOVE = text("UPDATE jobs SET event = 'postponed', actor = 'worker', seq = seq + 1 WHERE id = :id RETURNING seq")
Arrival = tuple[str, str, int, float]
"""A path, a job's id, a sequence number and the time of arrival."""


@dataclass(frozen=True)
class Plan:
    """The size of a run: accounts with endpoints each, of which one in `dead_every` is dead, and events per second."""

    accounts: int = 50
    endpoints: int = 20
    dead_every: int = 10
    events_per_s: float = 15.0
    seconds: float = 20.0


@dataclass(frozen=True)
class Result:
    """Seconds from commit to arrival at the endpoints that work, and how many arrivals there should have been."""

    p50_s: float
    p99_s: float
    worst_s: float
    arrived: int
    expected: int

    def __str__(self) -> str:
        return (
            f"{self.arrived} of {self.expected} messages; from commit to arrival: median {1000 * self.p50_s:.0f} ms, "
            f"p99 {1000 * self.p99_s:.0f} ms, worst {1000 * self.worst_s:.0f} ms"
        )


def measure(engine: Engine, url: str, plan: Plan) -> Result:
    """Deliver the events of a plan, and return the times."""
    hooks = Hooks(engine, url)
    with ExitStack() as stack:
        ours, theirs = multiprocessing.Pipe()
        receiver = multiprocessing.get_context("spawn").Process(target=receive, args=(theirs,), daemon=True)
        receiver.start()
        stack.callback(receiver.kill)
        port = ours.recv()
        refusing = stack.enter_context(socket.socket())
        refusing.bind(("127.0.0.1", 0))
        dead = [f"http://127.0.0.1:{port}/silent", f"http://127.0.0.1:{port}/failed"]
        dead.append(f"http://127.0.0.1:{refusing.getsockname()[1]}/")
        jobs = _populate(hooks, plan, f"http://127.0.0.1:{port}", dead)
        delivery = stack.enter_context(hooks.delivering(WebhookPace()))
        stack.enter_context(_Sequencing(engine, delivery.wake))
        committed = _move(engine, jobs, plan)
        expected = len(committed) * (plan.endpoints - plan.endpoints // plan.dead_every)
        ours.send(expected)
        arrivals: list[Arrival] = ours.recv()
    return _result(committed, arrivals, expected)


def _populate(hooks: Hooks, plan: Plan, live: str, dead: list[str]) -> list[UUID]:
    """Add accounts with endpoints, and a job each that no worker moves; return the jobs."""
    jobs = []
    for account in range(plan.accounts):
        with hooks.engine.begin() as conn:
            world = make_world(conn)
            jobs.append(make_job(conn, world))
        for number in range(plan.endpoints):
            is_dead = number % plan.dead_every == plan.dead_every - 1
            url = dead[(account + number) % len(dead)] if is_dead else f"{live}/{account}-{number}"
            hooks.endpoint(url, account_id=world.owner.account_id)
    hooks.sequence()
    with hooks.engine.begin() as conn:
        conn.execute(
            text(
                "UPDATE webhook_endpoints e SET position = h.position FROM activity_heads h "
                "WHERE h.account_id = e.account_id"
            )
        )
    return jobs


class _Sequencing:
    """Brings what happens into the activity every 20 ms, and wakes the readers."""

    def __init__(self, engine: Engine, wake: Any) -> None:
        self._engine, self._wake, self._over = engine, wake, Event()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.02):
            with self._engine.begin() as conn:
                found = sequence(conn)
            if found:
                self._wake()


def _move(engine: Engine, jobs: list[UUID], plan: Plan) -> dict[tuple[str, int], float]:
    """Move the jobs one after the other at the plan's rate; return the time of each commit."""
    from db.public_ids import IdKind, encode_id

    committed = {}
    began = time.monotonic()
    for number in range(round(plan.events_per_s * plan.seconds)):
        time.sleep(max(0.0, began + number / plan.events_per_s - time.monotonic()))
        job_id = jobs[number % len(jobs)]
        with engine.begin() as conn:
            seq = conn.execute(_MOVE, {"id": job_id}).scalar_one()
        committed[encode_id(IdKind.JOB, job_id), seq] = time.time()
    return committed


def _result(committed: dict[tuple[str, int], float], arrivals: list[Arrival], expected: int) -> Result:
    first: dict[tuple[str, str, int], float] = {}
    for path, job, seq, at in arrivals:
        first.setdefault((path, job, seq), at)
    times = sorted(at - committed[job, seq] for (_, job, seq), at in first.items())
    cuts = quantiles(times, n=100)
    return Result(cuts[49], cuts[98], times[-1], len(times), expected)


def receive(pipe: Pipe) -> None:
    """Receive webhooks; send the port, wait for the number of messages to expect, and send the arrivals."""
    asyncio.run(_receive(pipe))


async def _receive(pipe: Pipe) -> None:
    arrivals: list[Arrival] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                path = head.split(" ")[1]
                if path == "/silent":
                    await asyncio.sleep(3600)
                if path != "/failed":
                    arrivals.append((path, body["data"]["jobId"], body["data"]["seq"], time.time()))
                writer.write(_FAILED if path == "/failed" else _OK)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096)
    pipe.send(server.sockets[0].getsockname()[1])
    expected = await asyncio.to_thread(pipe.recv)
    with suppress(TimeoutError):
        async with asyncio.timeout(60):
            await _all_arrived(arrivals, expected)
    pipe.send(arrivals)
    # Those that never got a response are still open.
    os._exit(0)


async def _all_arrived(arrivals: list[Arrival], expected: int) -> None:
    while len({each[:3] for each in arrivals}) < expected:  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(0.2)


def main(url: str) -> None:
    """Measure and print the result."""
    engine = connect(DatabaseSettings(url, pool_size=20), name=f"bench-{new_id()}")
    sys.stdout.write(f"{measure(engine, url, Plan())}\n")


if __name__ == "__main__":
    main(sys.argv[1])
