"""`python -m tests.bench`: the engine beside Postgres's own limit and other engines, fairness, and media."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from diorama.embedded import EmbeddedPostgres
from tests.bench.engine import EngineFigure, measure_engine
from tests.bench.fairness import FairnessFigure, measure_fairness
from tests.bench.flat import FlatFigure, measure_flat_cost
from tests.bench.limit import measure_limit
from tests.bench.media import measure_media, media_tables
from tests.bench.peers import PeerFigure, measure_peers
from tests.bench.tracking import TrackingFigure, measure_tracking

_STEPS_PER_JOB = 5


def main() -> None:
    """Measure, and print the tables."""
    given = _given()
    console = Console()
    with (
        TemporaryDirectory(prefix="diorama-bench-") as folder,
        EmbeddedPostgres(Path(folder), settings={"max_wal_size": "4GB", "shared_buffers": "256MB"}) as server,
    ):
        figure = measure_engine(server, jobs=given.jobs, processes=given.processes, threads=given.threads)
        limit = measure_limit(server, clients=given.processes * given.threads, seconds=given.seconds)
        console.print(_table(figure, limit, given.processes, given.threads))
        console.print(_peers_table(figure, measure_peers(server)))
        console.print(_flat_table(measure_flat_cost(server, finished=(1_000, given.finished), due=(1_000, 100_000))))
        tracked = {
            webhooks: measure_tracking(server, jobs=given.in_flight, webhooks=webhooks) for webhooks in (True, False)
        }
        console.print(_tracking_table(tracked))
        console.print(_fairness_table(measure_fairness(server, queued=given.queued)))
    for table in media_tables(measure_media(long_s=given.long)):
        console.print(table)


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=10, help="duration of pgbench")
    parser.add_argument("--finished", type=int, default=1_000_000, help="finished jobs in the table for flat cost")
    parser.add_argument("--in-flight", type=int, default=2_000, help="predictions that are tracked at once")
    parser.add_argument("--queued", type=int, default=5_000, help="scenes of one account beside another's single job")
    parser.add_argument("--long", type=int, default=600, help="seconds of the long video whose memory is compared")
    return parser.parse_args()


def _peers_table(figure: EngineFigure, peers: dict[str, PeerFigure]) -> Table:
    table = Table(title=f"the same {_STEPS_PER_JOB} durable steps on other engines, in the same run")
    table.add_column("engine")
    for heading in ("jobs/s", "ours is", "CPU s per 1,000 jobs", "ours is"):
        table.add_column(heading, justify="right")
    ours_s = figure.worker_cpu_s + figure.postgres_cpu_s
    for name, peer in peers.items():
        table.add_row(
            name,
            f"{peer.jobs_per_s:,.0f}",
            f"{figure.jobs_per_s / peer.jobs_per_s:.1f} × as many",
            f"{peer.cpu_s:.2f}",
            f"1/{peer.cpu_s / ours_s:.1f}",
        )
    return table


def _flat_table(figures: list[FlatFigure]) -> Table:
    table = Table(title="claiming 50 jobs, whatever else is in the table")
    for heading in ("finished jobs", "due jobs", "median ms"):
        table.add_column(heading, justify="right")
    for figure in figures:
        table.add_row(f"{figure.finished:,}", f"{figure.due:,}", f"{figure.median_ms:.2f}")
    return table


def _fairness_table(figures: list[FairnessFigure]) -> Table:
    table = Table(title="one account's job beside another's many, from its request to its success, in seconds")
    for heading in ("job", "beside", "alone", "each beside them", "the slowest is"):
        table.add_column(heading, justify="right")
    for figure in figures:
        each = " ".join(f"{seconds:.1f}" for seconds in figure.beside_s)
        ratio = max(figure.beside_s) / figure.alone_s
        table.add_row(figure.job, figure.beside, f"{figure.alone_s:.1f}", each, f"{ratio:.1f} × as long")
    return table


def _tracking_table(figures: dict[bool, TrackingFigure]) -> Table:
    table = Table(title="calls to the provider, counted by the simulator; predictions run as long as real ones")
    for heading in (
        "in flight",
        "reported by",
        "calls a job",
        "reads/min after the first",
        "noticed after s",
        "latest",
    ):
        table.add_column(heading, justify="left" if heading == "reported by" else "right")
    for webhooks, figure in figures.items():
        table.add_row(
            f"{figure.most_running:,}",
            "webhooks" if webhooks else "the list",
            f"{figure.calls_a_job:.2f}",
            f"{figure.reads_a_minute}",
            f"{figure.noticed_median_s:.1f}",
            f"{figure.noticed_latest_s:.1f}",
        )
    return table


def _table(figure: EngineFigure, limit_steps_per_s: float, processes: int, threads: int) -> Table:
    steps_per_s = figure.jobs_per_s * _STEPS_PER_JOB
    table = Table(title=f"{figure.jobs:,} jobs, {_STEPS_PER_JOB} durable steps each, fsync on")
    for heading in ("what", "figure"):
        table.add_column(heading, justify="right" if heading == "figure" else "left")
    table.add_row(f"engine, {processes} processes of {threads} threads, jobs/s", f"{figure.jobs_per_s:,.0f}")
    table.add_row("engine, steps/s", f"{steps_per_s:,.0f}")
    table.add_row("workers, CPU seconds per 1,000 jobs", f"{figure.worker_cpu_s:.2f}")
    table.add_row("Postgres, CPU seconds per 1,000 jobs", f"{figure.postgres_cpu_s:.2f}")
    table.add_row("pgbench, guarded update and history row, steps/s", f"{limit_steps_per_s:,.0f}")
    table.add_row("engine / pgbench", f"{steps_per_s / limit_steps_per_s:.2f}")
    return table


if __name__ == "__main__":
    main()
