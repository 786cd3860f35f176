"""Check what never goes back: percentages, deletions, revocations and cursors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, text

from schema.cursors import activity_cursor, read_activity_cursor
from tests.support.partners import Partner

_PERCENT = text("SELECT id, cycle, seq, percent FROM jobs")
# Everything that has ended for good, or is not there any more.
_ENDED = text(
    """
    SELECT id FROM assets WHERE state IN ('deleted', 'rejected')
    UNION ALL SELECT id FROM sessions WHERE expires_at <= diorama_now()
    UNION ALL SELECT id FROM api_keys WHERE revoked_at IS NOT NULL
    UNION ALL SELECT id FROM deletions WHERE completed_at IS NOT NULL
    UNION ALL SELECT id FROM redrives WHERE ended_at IS NOT NULL
    UNION ALL SELECT job_id FROM job_requests WHERE erased_at IS NOT NULL
    """
)
_ENDPOINTS = text("SELECT id FROM webhook_endpoints")
_ACTIVITY = "query ($after: String) { activity(first: 100, after: $after) { edges { cursor } pageInfo { endCursor } } }"
_LIVE = "subscription ($after: String) { jobActivity(after: $after) { cursor } }"


@dataclass
class Progress:
    """Remembers what was seen, and compares it with what is there."""

    engine: Engine
    _percent: dict[Any, tuple[int, int]] = field(default_factory=dict)
    _ended: set[Any] = field(default_factory=set)
    _endpoints: set[Any] = field(default_factory=set)
    _gone: set[Any] = field(default_factory=set)
    _cursors: dict[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Check that no percentage fell, no number of an event went back, and nothing that ended came back."""
        with self.engine.connect() as conn:
            jobs = conn.execute(_PERCENT).all()
            ended, endpoints = set(conn.scalars(_ENDED)), set(conn.scalars(_ENDPOINTS))
        for job in jobs:
            seq, percent = self._percent.get((job.id, job.cycle), (0, 0))
            assert job.seq >= seq, f"the history of {job.id} went back"
            assert job.percent >= percent, f"the percentage of {job.id} went back"
            self._percent[job.id, job.cycle] = job.seq, job.percent
        assert self._ended <= ended, f"{self._ended - ended} came back"
        self._gone |= self._endpoints - endpoints
        assert not self._gone & endpoints, "a deleted endpoint came back"
        self._ended, self._endpoints = ended, endpoints

    def read_on(self, account: Partner) -> None:
        """Read what is new in an account by the query and by the subscription: the same, in the same order."""
        account_id = account.principal.account_id
        after = self._cursors.get(account.account, activity_cursor(account_id, 0))
        page = account.ask(_ACTIVITY, after=after)["activity"]
        queried = [edge["cursor"] for edge in page["edges"]]
        with account.socket() as socket:
            socket.begin(_LIVE, after=after)
            assert [socket.next()["jobActivity"]["cursor"] for _ in queried] == queried
        places = [read_activity_cursor(each, account_id) for each in (after, *queried)]
        assert places == sorted(set(places)), "a cursor decreased"
        self._cursors[account.account] = page["pageInfo"]["endCursor"] or after
