"""The schema of a migrated database as `pg_dump` prints it; run as a module to rewrite `db/schema.sql`."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import make_url

from db.connection import DatabaseSettings, connect
from db.migrate import migrate
from diorama.embedded import THROWAWAY_SETTINGS, EmbeddedPostgres
from diorama.embedded.postgres_install import find_postgres

CHECKED_IN = Path(__file__).parents[2] / "db" / "schema.sql"

# The months of the history depend on the date. The other lines depend on the version of pg_dump, or on its run.
_MONTHS = "job_events_2*"
_NOISE = re.compile(r"^(--.*|\\(un)?restrict .*|SET .*;|SELECT pg_catalog\.set_config.*)$")


def schema_dump(url: str) -> str:
    """Return the schema of a database, without comments, settings and the months of the history."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    command = [
        str(find_postgres().bin / "pg_dump"), "--schema-only", "--no-owner", "--exclude-table", _MONTHS, address,
    ]  # fmt: skip
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    kept = "\n".join(line for line in printed.splitlines() if not _NOISE.match(line))
    return re.sub(r"\n{3,}", "\n\n", kept).strip() + "\n"


def _rewrite() -> None:
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder), settings=THROWAWAY_SETTINGS) as server:
        engine = connect(DatabaseSettings(server.url, pool_size=1), name="schema")
        migrate(engine)
        engine.dispose()
        CHECKED_IN.write_text(schema_dump(server.url), encoding="utf-8")


if __name__ == "__main__":
    _rewrite()
