"""Leader locks: one process is the leader for as long as it sends heartbeats."""

from __future__ import annotations

from sqlalchemy import Engine, text

from db.engine.leader_lock import try_leader_lock
from tests.support.eventually import eventually

_LOCK = 7


def test_a_leader_that_sends_heartbeats_remains_leader_beyond_its_lease(engine: Engine) -> None:
    # Long enough for a busy machine: a heartbeat is sent three times a lease.
    leader = try_leader_lock(engine, _LOCK, lease_s=3.0)
    assert leader is not None
    with leader:
        began = _last_heartbeat_s(engine)
        eventually(lambda: _last_heartbeat_s(engine) > began + 4.0, every_s=0.2)
        assert try_leader_lock(engine, _LOCK, lease_s=3.0) is None
        assert leader.is_leader()
    with eventually(lambda: try_leader_lock(engine, _LOCK, lease_s=3.0)) as next_leader:
        assert next_leader.is_leader()


def test_a_leader_without_heartbeats_loses_the_lock_for_good(engine: Engine) -> None:
    silent = try_leader_lock(engine, _LOCK, lease_s=0.05)
    assert silent is not None
    other = eventually(lambda: try_leader_lock(engine, _LOCK, lease_s=20))
    assert not silent.is_leader()
    with other:
        assert not silent.is_leader()
        assert other.is_leader()


def _last_heartbeat_s(engine: Engine) -> float:
    """Return the time of the last heartbeat of the leader's session, in seconds."""
    query = (
        "SELECT extract(epoch FROM a.state_change) "
        "FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.objid = :lock"
    )
    with engine.connect() as conn:
        return float(conn.execute(text(query), {"lock": _LOCK}).scalar_one())
