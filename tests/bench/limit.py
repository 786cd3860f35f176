"""Postgres's own limit: pgbench doing the guarded update and the history row that every step of the engine does."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text
from sqlalchemy.engine import make_url

from db.connection import DatabaseSettings, connect
from db.migrate import migrate
from diorama.embedded import EmbeddedPostgres
from statemachine.vocabulary import State
from tests.support.databases import create_database, drop_database, unique_name
from tests.support.factories import make_job, make_world

_JOBS = 10_000

# One step of one job in its own transaction, under the guard of its state. The trigger writes the history row.
_SCRIPT = f"""\
\\set n random(1, {_JOBS})
UPDATE jobs SET event = 'still_running', actor = 'worker', seq = seq + 1, due_at = now() + interval '1 hour'
WHERE id = lpad(to_hex(:n::int), 32, '0')::uuid AND state = 'generating' AND lease = 0;
"""


def measure_limit(server: EmbeddedPostgres, *, clients: int, seconds: int) -> float:
    """Return how many steps a second pgbench completes."""
    name = unique_name("pgbench")
    url = create_database(server.url, name)
    try:
        _prepare(url)
        return _pgbench(server, url, clients, seconds)
    finally:
        drop_database(server.url, name)


def _prepare(url: str) -> None:
    engine = connect(DatabaseSettings(url), name="bench")
    migrate(engine)
    with engine.begin() as conn:
        job_id = make_job(conn, make_world(conn), State.GENERATING)
        conn.execute(
            text(
                "INSERT INTO jobs (id, account_id, kind, state, event, actor, due_at, deadline_at) "
                "SELECT lpad(to_hex(n), 32, '0')::uuid, account_id, kind, 'queued', 'requested', 'api', now(), "
                "deadline_at "
                "FROM jobs, generate_series(1, :jobs) n WHERE id = :id"
            ),
            {"jobs": _JOBS, "id": job_id},
        )
        for event, state in (("submit_started", "submitting"), ("accepted", "generating")):
            conn.execute(
                text("UPDATE jobs SET event = :event, state = :state, seq = seq + 1 WHERE id <> :id"),
                {"event": event, "state": state, "id": job_id},
            )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def _pgbench(server: EmbeddedPostgres, url: str, clients: int, seconds: int) -> float:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with TemporaryDirectory(prefix="diorama-pgbench-") as folder:
        script = Path(folder) / "step.sql"
        script.write_text(_SCRIPT)
        pgbench = subprocess.run(
            [
                server.bin_directory / "pgbench",
                *("-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", str(script)),
                address,
            ],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found = re.search(r"tps = ([\d.]+)", pgbench.stdout)
    assert found is not None, pgbench.stdout
    return float(found.group(1))
