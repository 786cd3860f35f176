"""The rows of one account's jobs, as the machine reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text


@dataclass(frozen=True)
class JobRows:
    """The rows of one account's jobs. A query names the jobs as `:jobs`."""

    engine: Engine
    account_id: UUID

    def ids(self) -> list[UUID]:
        """Return the ids of the jobs."""
        with self.engine.connect() as conn:
            query = text("SELECT id FROM jobs WHERE account_id = :id ORDER BY id")
            return list(conn.scalars(query, {"id": self.account_id}))

    def select(self, query: str) -> list[Any]:
        """Return the rows that a query finds."""
        with self.engine.connect() as conn:
            return list(conn.execute(text(query), {"jobs": self.ids()}).all())

    def states(self) -> list[Any]:
        """Return the state and the number of events of each job."""
        return self.select("SELECT id, state, seq FROM jobs WHERE id = ANY (:jobs) ORDER BY id")

    def named_objects(self) -> set[str]:
        """Return the keys of the objects that rows of these jobs name."""
        rows = self.select(
            "SELECT source_key AS key FROM attempts WHERE job_id = ANY (:jobs) AND source_key IS NOT NULL "
            "UNION ALL SELECT a.object_key FROM assets a JOIN jobs j ON a.object_key LIKE 'jobs/' || j.id || '/%' "
            "WHERE j.id = ANY (:jobs) AND a.state = 'ready' "
            "UNION ALL SELECT r.object_key FROM renditions r JOIN assets a ON a.id = r.asset_id "
            "JOIN jobs j ON r.object_key LIKE 'jobs/' || j.id || '/%' WHERE j.id = ANY (:jobs) AND a.state = 'ready'"
        )
        return {row.key for row in rows}

    def searched_tokens(self) -> set[UUID]:
        """Return the tokens that the orphan search expects in the provider's list."""
        found = self.select("SELECT token FROM attempts WHERE job_id = ANY (:jobs) AND status IN ('lost', 'absent')")
        return {row.token for row in found}
