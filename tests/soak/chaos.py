"""A whole system under load and disrupted for some time; then calm, until every job has ended."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from db.connection import DatabaseSettings, connect
from db.migrate import migrate
from diorama.embedded import EmbeddedPostgres, EmbeddedS3, ServerProcess
from jobs.api_keys import issue_api_key
from simulator.serve import Background
from simulator.settings import SimulatorSettings
from storage import S3Store
from tests.soak.disruptions import Disruptions
from tests.soak.load import Clients
from tests.soak.report import Report, report
from tests.support.eventually import eventually, scaled
from tests.support.system import running_system


@dataclass(frozen=True, slots=True)
class Plan:
    """The length and the severity of a run. Times are in seconds."""

    lasts_s: float
    workers: int = 3
    clients: int = 4
    pause_s: float = 0.4
    disruption_every_s: float = 3.0
    restart_s: tuple[float, float] = (5.0, 40.0)
    drains_within_s: float = 120.0
    accepts: int = 0
    """The run continues until this many jobs are accepted, however slow the machine is ..."""
    disruptions: tuple[str, ...] = ()
    """... and until these kinds of disruption have happened."""


def run(plan: Plan, directory: Path) -> tuple[Report, dict[str, int]]:
    """Run the plan; return the report and the number of disruptions of each kind."""
    with ExitStack() as running:
        postgres = running.enter_context(EmbeddedPostgres(directory / "postgres"))
        s3 = running.enter_context(EmbeddedS3(directory / "s3"))
        simulator = running.enter_context(Background(SimulatorSettings(speed=200, canned=True, seed=1)))
        engine = connect(DatabaseSettings(postgres.url), name="soak")
        running.callback(engine.dispose)
        migrate(engine)
        store = S3Store(s3.settings)
        system = running.enter_context(running_system(engine, postgres.url, s3, store, simulator, directory))
        system.processes.start = ServerProcess.start
        with engine.begin() as conn:
            key = issue_api_key(conn, "acme", role="partner", key_name="soak")
        clients = Clients(f"{system.processes.start_api()}/graphql", key, system.selfie_id, plan.pause_s)
        for _ in range(plan.workers):
            system.start_worker()
        disruptions = Disruptions(system, postgres, every_s=plan.disruption_every_s, restart_s=plan.restart_s)
        disruptions.start()
        clients.start(plan.clients)
        time.sleep(plan.lasts_s)
        eventually(
            lambda: len(clients.accepted) >= plan.accepts and disruptions.made.keys() >= set(plan.disruptions),
            within_s=120.0,
        )
        disruptions.stop()
        clients.stop()
        _drain(engine, plan.drains_within_s)
        for worker in system.processes.workers:
            worker.stop()
        billed = simulator.call(lambda sim: [(each.id, str(each.input)) for each in sim.predictions.in_order])
        found = report(engine, store, clients.accepted, billed)
        found.complaints.extend(clients.surprises)
        return found, {**disruptions.made, "requests without a response": clients.without_response}


def _drain(engine: Engine, within_s: float) -> None:
    """Wait until every job has ended; one that has not by then is stuck. Long waits are cut short."""
    ends_at = time.monotonic() + scaled(within_s)
    while time.monotonic() < ends_at:
        # Postgres may still be starting.
        with suppress(SQLAlchemyError), engine.begin() as conn:
            conn.execute(
                text(
                    "UPDATE jobs SET due_at = now() WHERE due_at > now() + interval '2 seconds' "
                    "AND lease_expires_at IS NULL AND state NOT IN ('waiting', 'reconciling')"
                )
            )
            if not conn.scalar(text("SELECT count(*) FROM jobs WHERE finished_at IS NULL")):
                return
        time.sleep(0.3)
