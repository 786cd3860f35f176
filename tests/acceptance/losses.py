"""`python -m tests.acceptance.losses --jobs 10000`: count the money that is spent twice while much gets lost.

Of all paid calls, one in twenty loses its response, one in twenty gets a 502 although it was accepted, and at one in
twenty the worker is killed before it can record the response. The first run has the provider's list in order, the
second has a list that always fails. The provider's own bill is the judge. The exit status is 1 if money was spent twice
while the list worked, if the bill differs from what is booked, or if a job cost more than its cap.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from db.connection import DatabaseSettings, connect
from db.ids import new_id
from db.migrate import migrate
from db.records.requests import JobRequest, insert_job
from diorama.embedded import THROWAWAY_SETTINGS, EmbeddedPostgres
from jobs.providers.choice import ModelChoice
from simulator.serve import Background
from simulator.settings import RateLimits, SimulatorSettings
from statemachine.vocabulary import Kind, OnFailure
from tests.acceptance.dying_worker import WorkerConditions, work
from tests.support.databases import create_database, drop_database, unique_name
from tests.support.eventually import eventually
from tests.support.factories import make_world
from tests.support.simulator_control import SimulatorControl

SHARE = 0.05
# A worker that dies takes two or three paid calls with it.
_KILL_SHARE = 0.02
_WORKERS = 3
# While the list fails, a lost call is searched for this long before it is paid for again.
_OUTAGE_RECONCILE_S = 1.0
_WITHIN_S = 900.0


@dataclass(frozen=True)
class Losses:
    """The figures of a run, by the provider's bill and by our ledger. Money is in micro-dollars."""

    list_works: bool
    jobs: int
    succeeded: int
    failed: int
    submissions: int
    accepted: int
    responses_lost: int
    errors_after_acceptance: int
    workers_killed: int
    submissions_of_killed: int
    duplicates: int
    duplicate_micros: int
    most_of_one_job_micros: int
    cap_micros: int
    billed_micros: int
    booked_micros: int
    took_s: float

    @property
    def violations(self) -> list[str]:
        """Return the broken promises in words, or an empty list."""
        found = []
        if self.list_works and self.duplicates:
            found.append(f"{self.duplicates} duplicates although the list works")
        if self.list_works and self.succeeded != self.jobs:
            found.append(f"{self.jobs - self.succeeded} jobs did not succeed although the list works")
        if self.most_of_one_job_micros > self.cap_micros:
            found.append(f"a job cost {self.most_of_one_job_micros}, its cap is {self.cap_micros}")
        if self.billed_micros != self.booked_micros:
            found.append(f"billed {self.billed_micros}, booked {self.booked_micros}")
        return found


@dataclass
class Crew:
    """Worker processes; those that die are replaced."""

    conditions: WorkerConditions
    rng: Random
    kills: int = 0
    _started: int = 0
    _at_work: list[tuple[Any, Connection]] = field(default_factory=list)

    def tend(self) -> None:
        """Replace the dead workers, and now and then kill one at a random moment."""
        if self._at_work and self.rng.random() < 0.02:
            self.rng.choice(self._at_work)[0].kill()
        alive = [each for each in self._at_work if each[0].is_alive()]
        self.kills += len(self._at_work) - len(alive)
        while len(alive) < _WORKERS:
            alive.append(self._start())
        self._at_work = alive

    def dismiss(self) -> None:
        """Kill all of them."""
        for process, orders in self._at_work:
            process.kill()
            process.join()
            orders.close()

    def _start(self) -> tuple[Any, Connection]:
        context = multiprocessing.get_context("forkserver")
        # Imported once, so that a worker starts in a tenth of a second.
        context.set_forkserver_preload(["tests.acceptance.dying_worker"])
        theirs, ours = context.Pipe(duplex=False)
        self._started += 1
        process = context.Process(target=work, args=(self.conditions, self._started, theirs), daemon=True)
        process.start()
        theirs.close()
        return process, ours


def lose(server: EmbeddedPostgres, *, jobs: int, per_s: float, list_works: bool, seed: int = 1) -> Losses:
    """Request `jobs` jobs, `per_s` of them a second, run them under losses, and return the figures."""
    name = unique_name("losses")
    url = create_database(server.url, name)
    engine = connect(DatabaseSettings(url, pool_size=4), name="losses")
    try:
        migrate(engine)
        with _provider(list_works, seed) as provider:
            return _lose(engine, url, provider, jobs, per_s, list_works, seed)
    finally:
        engine.dispose()
        drop_database(server.url, name)


@contextmanager
def _provider(list_works: bool, seed: int) -> Iterator[Background]:
    faults: list[dict[str, Any]] = [
        {"action": "lose_webhook"},
        {"action": "reset_after_accept", "operation": "predictions.create", "probability": SHARE, "seed": seed},
        {"action": "error_after_accept", "operation": "predictions.create", "probability": SHARE, "seed": seed + 1},
    ]
    if not list_works:
        faults.append({"action": "server_error", "operation": "predictions.list"})
    settings = SimulatorSettings(instant=True, seed=seed, rate_limits=RateLimits(enabled=False), faults=tuple(faults))
    with Background(settings) as running:
        yield running


def _lose(
    engine: Engine, url: str, provider: Background, jobs: int, per_s: float, list_works: bool, seed: int
) -> Losses:
    price = ModelChoice().profile_for(Kind.AVATAR, "paid", None).price(Kind.AVATAR, None)
    cap_micros = 20 * price if list_works else 2 * price
    reconcile_for_s = 1200.0 if list_works else _OUTAGE_RECONCILE_S
    conditions = WorkerConditions(url, provider.api_url, _KILL_SHARE, reconcile_for_s, cap_micros)
    crew = Crew(conditions, Random(seed))
    control, began = SimulatorControl(provider.api_url), time.monotonic()
    try:
        _queue_paced(engine, crew, jobs, per_s)
        _tend_until(crew, engine, "SELECT count(*) = 0 FROM jobs WHERE finished_at IS NULL")
        faults = control.counters()["faults"]
        if not list_works:
            control.calm()
        _tend_until(crew, engine, "SELECT count(*) = 0 FROM attempts WHERE status IN ('lost', 'submitting')")
    finally:
        crew.dismiss()
    bill = control.bill()
    return _figures(engine, bill, faults, crew, list_works, cap_micros, price, time.monotonic() - began)


def _queue_paced(engine: Engine, crew: Crew, jobs: int, per_s: float) -> None:
    """Request the jobs at a steady pace: the real provider accepts ten a second."""
    with engine.begin() as conn:
        world = make_world(conn)
    request = JobRequest(Kind.AVATAR, "paid", 0, OnFailure.KEEP, input_id=world.selfie_id)
    requested, began = 0, time.monotonic()

    def request_more() -> bool:
        nonlocal requested
        crew.tend()
        wanted = min(jobs, int((time.monotonic() - began) * per_s) + 1)
        with engine.begin() as conn:
            for _ in range(wanted - requested):
                insert_job(conn, world.owner, new_id(), request, deadline=timedelta(hours=6))
        requested = wanted
        return requested == jobs

    eventually(request_more, within_s=_WITHIN_S, every_s=0.1)


def _tend_until(crew: Crew, engine: Engine, condition: str) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:

        def is_over() -> bool:
            crew.tend()
            return bool(conn.scalar(text(condition)))

        eventually(is_over, within_s=_WITHIN_S, every_s=0.1)


def _figures(
    engine: Engine,
    bill: dict[str, Any],
    faults: dict[str, int],
    crew: Crew,
    list_works: bool,
    cap_micros: int,
    price: int,
    took_s: float,
) -> Losses:
    with engine.connect() as conn:
        owners = {str(row.token): row.job_id for row in conn.execute(text("SELECT token, job_id FROM attempts"))}
        states = Counter(conn.scalars(text("SELECT state FROM jobs")))
        booked = conn.scalar(text("SELECT sum(cost_micros) FROM jobs"))
        vanished = conn.scalar(text("SELECT count(*) FROM job_events WHERE reason LIKE '%worker%vanished'"))
    creates: Counter[Any] = Counter()
    for token, entry in bill["by_token"].items():
        creates[owners[token]] += entry["creates"]
    duplicates = sum(count - 1 for count in creates.values())
    return Losses(
        list_works=list_works,
        jobs=states.total(),
        succeeded=states["succeeded"],
        failed=states["failed"],
        submissions=len(owners),
        accepted=bill["creates"],
        responses_lost=faults["reset_after_accept"],
        errors_after_acceptance=faults["error_after_accept"],
        workers_killed=crew.kills,
        submissions_of_killed=int(vanished or 0),
        duplicates=duplicates,
        duplicate_micros=duplicates * price,
        most_of_one_job_micros=max(creates.values()) * price,
        cap_micros=cap_micros,
        billed_micros=round(bill["total_usd"] * 1_000_000),
        booked_micros=int(booked or 0),
        took_s=took_s,
    )


def report(runs: list[Losses]) -> Table:
    """Return the figures as a table with a column for each run."""
    table = Table(title="Paid calls under losses")
    table.add_column("")
    for run in runs:
        table.add_column("list works" if run.list_works else "list fails", justify="right")
    for name in Losses.__dataclass_fields__:
        if name != "list_works":
            values = (getattr(run, name) for run in runs)
            table.add_row(name.replace("_", " "), *(f"{value:,.0f}" for value in values))
    return table


def main() -> int:
    """Run, print the report, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000, help="while the list works; a fifth of them while it fails")
    parser.add_argument("--per-s", type=float, default=40.0, help="jobs requested a second")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    console, runs = Console(), list[Losses]()
    sizes = ((given.jobs, True), (max(1, given.jobs // 5), False))
    with (
        TemporaryDirectory(prefix="diorama-losses-") as folder,
        EmbeddedPostgres(Path(folder), settings=THROWAWAY_SETTINGS) as server,
    ):
        for jobs, works in sizes:
            runs.append(lose(server, jobs=jobs, per_s=given.per_s, list_works=works, seed=given.seed))
            console.print(report(runs))
    violations = [violation for run in runs for violation in run.violations]
    console.print(
        "\n".join(violations)
        or "Nothing was paid for twice while the list worked; no job is over its cap, and every cent is booked."
    )
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
