"""Turns: one has it, and keeps it for as long as it gives signs of life."""

from __future__ import annotations

from sqlalchemy import Engine, text

from db.engine.leader_lock import try_leader_lock
from tests.support.eventually import eventually

_LOCK = 7


def test_a_turn_is_kept_beyond_its_lease_however_long_its_holder_is_busy(engine: Engine) -> None:
    # Long enough for a busy machine: a sign of life is given three times a lease.
    leader = try_leader_lock(engine, _LOCK, lease_s=3.0)
    assert leader is not None
    with leader:
        began = _heard_at(engine)
        eventually(lambda: _heard_at(engine) > began + 4.0, every_s=0.2)
        assert try_leader_lock(engine, _LOCK, lease_s=3.0) is None
        assert leader.is_leader()
    with eventually(lambda: try_leader_lock(engine, _LOCK, lease_s=3.0)) as next_one:
        assert next_one.is_leader()


def test_without_signs_of_life_a_turn_is_lost_for_good(engine: Engine) -> None:
    silent = try_leader_lock(engine, _LOCK, lease_s=0.05)
    assert silent is not None
    other = eventually(lambda: try_leader_lock(engine, _LOCK, lease_s=20))
    assert not silent.is_leader()
    with other:
        assert not silent.is_leader()
        assert other.is_leader()


def _heard_at(engine: Engine) -> float:
    """When the session that has the leader was last heard from, in seconds."""
    query = (
        "SELECT extract(epoch FROM a.state_change) "
        "FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.objid = :lock"
    )
    with engine.connect() as conn:
        return float(conn.execute(text(query), {"lock": _LOCK}).scalar_one())
