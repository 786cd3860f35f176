"""Transactions that move jobs, interleaved as a random source draws them, and what the activity must then be."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from uuid import UUID

from sqlalchemy import Connection, Engine, Transaction, text

from db.engine.activity import sequence
from db.records.activity import ActivityEntry, read
from tests.support.factories import World, make_job, make_world

Written = tuple[UUID, int]
"""An event: its job and its sequence number."""

_MOVE = text("UPDATE jobs SET event = 'postponed', actor = 'worker', seq = seq + 1 WHERE id = :id RETURNING seq")


@dataclass
class OpenTransaction:
    """A transaction under way: when it began, and what it has written and not rolled back."""

    conn: Connection
    transaction: Transaction
    began: int
    written: list[Written] = field(default_factory=list)
    locked: set[UUID] = field(default_factory=set)
    committed: int | None = None

    @classmethod
    def begin(cls, engine: Engine, now: int) -> OpenTransaction:
        conn = engine.connect()
        transaction = conn.begin()
        conn.execute(text("SELECT pg_current_xact_id()"))
        return cls(conn, transaction, now)

    def move(self, job_id: UUID, *, keep: bool) -> None:
        """Move a job; without `keep` in a savepoint that is rolled back."""
        savepoint = self.conn.begin_nested()
        seq = self.conn.execute(_MOVE, {"id": job_id}).scalar_one()
        self.locked.add(job_id)
        if keep:
            savepoint.commit()
            self.written.append((job_id, seq))
        else:
            savepoint.rollback()

    def end(self, now: int, *, commits: bool) -> None:
        self.transaction.commit() if commits else self.transaction.rollback()
        self.conn.close()
        self.committed = now if commits else None


class ActivityWorld:
    """Two accounts with two jobs each, up to four open transactions, a sequencer and a reader of each account."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine = engine
        self._draw = Random(seed)
        self._now = 0
        with engine.begin() as conn:
            self._accounts = [make_world(conn) for _ in range(2)]
            self._jobs = {make_job(conn, each): each for each in self._accounts for _ in range(2)}
        self._births = OpenTransaction(None, None, -1, [(job, 1) for job in self._jobs], committed=-1)  # type: ignore[arg-type]
        self._open: list[OpenTransaction] = []
        self._committed = [self._births]
        self._seen: dict[UUID, list[ActivityEntry]] = {each.owner.account_id: [] for each in self._accounts}

    def run(self, steps: int) -> None:
        """Take random steps, then end everything and read what is left."""
        for self._now in range(steps):
            self._step()
        for each in list(self._open):
            self._now += 1
            self._end(each, commits=True)
        self._sequence(commits=True)
        self._read()

    def _step(self) -> None:
        match self._draw.choices(
            ("begin", "move", "commit", "roll back", "sequence", "crash", "read"), (4, 8, 3, 1, 2, 1, 2)
        ):
            case ["begin"] if len(self._open) < 4:
                self._open.append(OpenTransaction.begin(self._engine, self._now))
            case ["move"] if self._open:
                self._move(self._draw.choice(self._open))
            case ["commit" | "roll back" as how] if self._open:
                self._end(self._draw.choice(self._open), commits=how == "commit")
            case ["sequence" | "crash" as how]:
                self._sequence(commits=how == "sequence")
            case ["read"]:
                self._read()

    def _move(self, mover: OpenTransaction) -> None:
        locked = {job for other in self._open if other is not mover for job in other.locked}
        if free := [job for job in self._jobs if job not in locked]:
            mover.move(self._draw.choice(free), keep=self._draw.random() < 0.8)

    def _end(self, ending: OpenTransaction, *, commits: bool) -> None:
        self._open.remove(ending)
        ending.end(self._now, commits=commits)
        if commits:
            self._committed.append(ending)

    def _sequence(self, *, commits: bool) -> None:
        """Run the sequencer; without `commits` it dies before it commits."""
        with self._engine.connect() as conn:
            sequence(conn)
            conn.commit() if commits else conn.rollback()

    def _read(self) -> None:
        for account_id, seen in self._seen.items():
            with self._engine.connect() as conn:
                seen += read(conn, account_id, seen[-1].position if seen else 0, 1_000)

    def violations(self) -> list[str]:
        """Return what the readers saw that they must not have seen."""
        return [fault for each in self._accounts for fault in self._violations_of(each)]

    def _violations_of(self, account: World) -> list[str]:
        seen = self._seen[account.owner.account_id]
        events = [(each.job_id, each.seq) for each in seen if each.job_id and each.seq]
        place = {written: number for number, written in enumerate(events)}
        ours = {each: by for by in self._committed for each in by.written if self._jobs[each[0]].owner == account.owner}
        faults = [f"missed {each}" for each in ours.keys() - place.keys()]
        faults += [f"never happened {each}" for each in place.keys() - ours.keys()]
        faults += ["repeated"] if len(place) < len(events) else []
        faults += ["gap"] if [each.position for each in seen] != list(range(1, len(seen) + 1)) else []
        return faults or [*_out_of_order(events), *_against_time(events, ours)]


def _out_of_order(events: list[Written]) -> list[str]:
    seqs: defaultdict[UUID, list[int]] = defaultdict(list)
    for job_id, seq in events:
        seqs[job_id].append(seq)
    return [f"job {job}: {found}" for job, found in seqs.items() if found != list(range(1, len(found) + 1))]


def _against_time(events: list[Written], by: dict[Written, OpenTransaction]) -> list[str]:
    """Return pairs of which the later was committed before the transaction of the earlier began."""
    latest_begin = -1
    faults = []
    for earlier, later in pairwise(events):
        latest_begin = max(latest_begin, by[earlier].began)
        committed = by[later].committed
        assert committed is not None
        faults += [f"{later} was committed before {earlier}"] if committed < latest_begin else []
    return faults
