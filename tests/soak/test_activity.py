"""A million events under concurrent writers, crashes and roll-backs: 0 missed, 0 repeated, 0 out of order.

`ACTIVITY_EVENTS=50000 pytest -m thorough -s tests/soak/test_activity.py` takes a minute or two.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from db.connection import DatabaseSettings, connect
from db.migrate import migrate
from diorama.embedded import EmbeddedPostgres
from schema.runtime import ApiSettings
from statemachine.vocabulary import State
from tests.soak.activity_readers import Reader, Seen, by_events, by_function, by_long_poll, by_query, by_subscription
from tests.support.eventually import eventually
from tests.support.factories import World, make_job, make_world
from tests.support.partners import partner
from tests.support.serving import serving

ROOT = Path(__file__).parents[2]
EVENTS = int(os.environ.get("ACTIVITY_EVENTS", "1000000"))
# A request that waits for what comes delays the end of the test.
SETTINGS = ApiSettings(
    poll_every=timedelta(seconds=1), long_poll_for=timedelta(seconds=1), events_for=timedelta(seconds=5)
)
WRITERS, SEQUENCERS, JOBS = 3, 2, 200
_EVERY_S, _CRASH_EVERY = 1.5, 6


class Processes:
    """Writers and sequencers, which die and are started again, and a Postgres that crashes now and then."""

    def __init__(self, url: str, postgres: EmbeddedPostgres, logs: Path) -> None:
        writers = [["activity_writer", url, str(n), str(logs / f"{n}.log")] for n in range(WRITERS)]
        self._commands = [*writers, *(["activity_sequencer", url] for _ in range(SEQUENCERS))]
        self._running = [self._start(each) for each in self._commands]
        self._postgres = postgres
        self._draw = Random(1)
        self._over = threading.Event()
        self.made: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._disrupt)
        self._thread.start()

    @staticmethod
    def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
        module, *arguments = command
        return subprocess.Popen([sys.executable, "-m", f"tests.soak.{module}", *arguments], cwd=ROOT)

    def _disrupt(self) -> None:
        number = 0
        while not self._over.wait(_EVERY_S):
            number += 1
            if number % _CRASH_EVERY == 0:
                self._postgres.kill()
                self._postgres.restart()
                self.made["crash of postgres"] += 1
            else:
                self._kill(self._draw.randrange(len(self._running)))

    def _kill(self, which: int) -> None:
        self._running[which].kill()
        self._running[which].wait()
        self._running[which] = self._start(self._commands[which])
        self.made[f"kill of {self._commands[which][0]}"] += 1

    def end_writing(self) -> None:
        """End the disruptions and the writers; the sequencers go on."""
        self._over.set()
        self._thread.join()
        for each in self._running[:WRITERS]:
            each.kill()
            each.wait()

    def close(self) -> None:
        self.end_writing()
        for each in self._running:
            each.kill()
            each.wait()


@contextmanager
def own_postgres(folder: Path) -> Iterator[tuple[EmbeddedPostgres, str, Engine]]:
    """Yield a Postgres of the test's own, which it may crash, its address, and an engine."""
    with EmbeddedPostgres(folder) as postgres:
        engine = connect(DatabaseSettings(postgres.url, pool_size=8), name="soak")
        migrate(engine)
        yield postgres, postgres.url.replace("+psycopg", ""), engine
        engine.dispose()


@pytest.mark.thorough
@pytest.mark.timeout(7200)
def test_a_million_events_are_read_once_and_in_order(tmp_path: Path) -> None:
    with ExitStack() as running:
        postgres, url, engine = running.enter_context(own_postgres(tmp_path / "postgres"))
        server = running.enter_context(serving(postgres.url, SETTINGS))
        partners = [partner(server, f"soak-{number}") for number in range(2)]
        accounts = [each.principal.account_id for each in partners] + [_account(engine) for _ in range(2)]
        for account_id in accounts:
            _add_jobs(engine, account_id)
        pull = by_function(engine)
        readers = [
            Reader(accounts[0], by_subscription(partners[0], Random(2))),
            Reader(accounts[0], by_long_poll(partners[0])),
            Reader(accounts[1], by_query(partners[1])),
            Reader(accounts[1], by_events(partners[1], Random(3))),
            *(Reader(each, pull) for each in accounts[2:]),
        ]
        processes = Processes(url, postgres, tmp_path)
        running.callback(processes.close)
        for each in readers:
            each.start()
            running.callback(each.stop)
        eventually(lambda: _count(engine, "SELECT sum(seq) FROM jobs") >= EVENTS, within_s=3600, every_s=0.5)
        processes.end_writing()
        events = _count(engine, "SELECT count(*) FROM job_events")
        eventually(lambda: _count(engine, "SELECT sum(position) FROM activity_heads") == events, within_s=600)
        for each in readers:
            last = _count(engine, f"SELECT position FROM activity_heads WHERE account_id = '{each.account_id}'")
            eventually(lambda each=each, last=last: each.position == last, within_s=1800, every_s=0.1)  # type: ignore[misc]
        found = {each: _activity(engine, each) for each in accounts}
        errors = [each.errors for each in readers]
        sys.stdout.write(f"\n{events} events, {dict(processes.made)}, errors of readers: {errors}\n")
        assert sum(len(each) for each in found.values()) == events
        assert _count(engine, _MISSED) == 0, "every event has an entry"
        for reader in readers:
            assert reader.seen == found[reader.account_id], "a reader saw what there is, in its order"
        for entries in found.values():
            assert [position for position, _, _ in entries] == list(range(1, len(entries) + 1))
            assert _jobs_out_of_order(entries) == []
            assert _against_time(engine, entries, tmp_path) == []


_MISSED = """
SELECT count(*) FROM job_events e
WHERE NOT EXISTS (SELECT FROM activity a WHERE a.job_id = e.job_id AND a.seq = e.seq)
"""


def _account(engine: Engine) -> UUID:
    with engine.begin() as conn:
        return make_world(conn).owner.account_id


def _add_jobs(engine: Engine, account_id: UUID) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
        world = World(type(world.owner)(account_id, None), world.selfie_id)
        for _ in range(JOBS):
            make_job(conn, world, State.QUEUED)


def _count(engine: Engine, query: str) -> int:
    """Return a number; 0 while Postgres is away."""
    with suppress(SQLAlchemyError), engine.connect() as conn:
        conn.execute(text("SET enable_hashjoin = on"))
        return int(conn.scalar(text(query)) or 0)
    return 0


def _activity(engine: Engine, account_id: UUID) -> list[Seen]:
    query = text("SELECT position, job_id, seq FROM activity WHERE account_id = :id ORDER BY position")
    with engine.connect() as conn:
        return [(row.position, row.job_id, row.seq) for row in conn.execute(query, {"id": account_id})]


def _jobs_out_of_order(entries: Sequence[Seen]) -> list[Seen]:
    """Return the entries that are not the next event of their jobs."""
    last: Counter[UUID] = Counter()
    wrong = []
    for entry in entries:
        _, job_id, seq = entry
        wrong += [entry] if seq != last[job_id] + 1 else []
        last[job_id] = seq
    return wrong


def _against_time(engine: Engine, entries: Sequence[Seen], logs: Path) -> list[Seen]:
    """Return the entries whose transactions were committed before one of an earlier entry began."""
    times = {xid: (began, ended) for each in logs.glob("*.log") for xid, began, ended in _lines(each)}
    assert times
    with engine.connect() as conn:
        rows = conn.execute(text("SELECT job_id, seq, xid::text AS xid FROM job_events"))
        xids = {(row.job_id, row.seq): int(row.xid) for row in rows}
    latest_begin, wrong = 0, []
    for entry in entries:
        # A transaction whose writer died at the commit has no times.
        began, ended = times.get(xids[entry[1:]], (0, sys.maxsize))
        wrong += [entry] if ended < latest_begin else []
        latest_begin = max(latest_begin, began)
    return wrong


def _lines(log: Path) -> Iterator[tuple[int, int, int]]:
    for line in log.read_text().splitlines():
        words = line.split()
        # The last line of a writer that was killed may be cut off, and the next one's first follow it.
        if len(words) == 3:
            yield int(words[0]), int(words[1]), int(words[2])
