"""Deletions read what belongs to them by key: their cost does not grow with the history."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from db.connection import DatabaseSettings, connect_worker
from db.statements import source_of


@pytest.mark.parametrize(
    "name",
    [
        "doom_jobs",
        "doom_assets",
        "doomed_running",
        "doomed_objects",
        "doom_files",
        "erase_requests",
        "provider_files",
        "files_with",
        "lock_files",
        "named_by_files",
    ],
)
def test_no_statement_of_a_deletion_reads_a_whole_table(engine: Engine, database_url: str, name: str) -> None:
    # The pool of workers disables sequential scans: one that is left has no index to replace it.
    workers = connect_worker(DatabaseSettings(database_url, pool_size=1), name="w")
    source = (
        source_of(name)
        .replace(":id", "'00000000-0000-7000-8000-000000000000'")
        .replace(":keys", "'{}'")
        .replace(":going", "'{}'")
    )
    with workers.connect() as conn:
        plan = "\n".join(conn.scalars(text(f"EXPLAIN {source}")))
    workers.dispose()
    assert "Seq Scan" not in plan, plan
