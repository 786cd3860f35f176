"""Other engines doing the same work, run in their own environment (`.venv-peers`)."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from diorama.embedded import EmbeddedPostgres
from tests.support.databases import create_database, drop_database, unique_name

_ROOT = Path(__file__).parents[3]
_PYTHON = _ROOT / ".venv-peers" / "bin" / "python"

# The script of each engine with its arguments, and the number of jobs that takes it about ten seconds.
_PEERS = {
    "PgQueuer": (["five_pgqueuer.py"], 2_000),
    "PgQueuer with rows of jobs and history": (["five_pgqueuer.py", "rows"], 2_000),
    "DBOS": (["five_dbos.py"], 1_000),
}


@dataclass(frozen=True)
class PeerFigure:
    """The figures of another engine. Processor seconds are those of its workers and of Postgres, for 1,000 jobs."""

    jobs_per_s: float
    cpu_s: float


def measure_peers(server: EmbeddedPostgres) -> dict[str, PeerFigure]:
    """Return the figures of each engine on this server, or nothing if their environment is not installed."""
    if not _PYTHON.exists():
        return {}
    return {name: _measure(server, *script, jobs=jobs) for name, (script, jobs) in _PEERS.items()}


def _measure(server: EmbeddedPostgres, script: str, *shape: str, jobs: int) -> PeerFigure:
    name = unique_name("peer")
    url = make_url(create_database(server.url, name)).set(drivername="postgresql")
    command = [
        str(_PYTHON),
        str(Path(__file__).parent / script),
        url.render_as_string(hide_password=False),
        str(jobs),
        str(server.pid),
        *shape,
    ]
    try:
        finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    finally:
        drop_database(server.url, name)
    return PeerFigure(**json.loads(finished.stdout.splitlines()[-1]))
