"""Turns: one has it, and keeps it for as long as it gives signs of life."""

from __future__ import annotations

from sqlalchemy import Engine, text

from db.engine.leader_lock import take_turn
from tests.support.eventually import eventually

_LOCK = 7


def test_a_turn_is_kept_beyond_its_lease_however_long_its_holder_is_busy(engine: Engine) -> None:
    # Long enough for a busy machine: a sign of life is given three times a lease.
    turn = take_turn(engine, _LOCK, lease_s=3.0)
    assert turn is not None
    with turn:
        began = _heard_at(engine)
        eventually(lambda: _heard_at(engine) > began + 4.0, every_s=0.2)
        assert take_turn(engine, _LOCK, lease_s=3.0) is None
        assert turn.is_held()
    with eventually(lambda: take_turn(engine, _LOCK, lease_s=3.0)) as next_one:
        assert next_one.is_held()


def test_without_signs_of_life_a_turn_is_lost_for_good(engine: Engine) -> None:
    silent = take_turn(engine, _LOCK, lease_s=0.05)
    assert silent is not None
    other = eventually(lambda: take_turn(engine, _LOCK, lease_s=20))
    assert not silent.is_held()
    with other:
        assert not silent.is_held()
        assert other.is_held()


def _heard_at(engine: Engine) -> float:
    """When the session that has the turn was last heard from, in seconds."""
    query = (
        "SELECT extract(epoch FROM a.state_change) "
        "FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.objid = :lock"
    )
    with engine.connect() as conn:
        return float(conn.execute(text(query), {"lock": _LOCK}).scalar_one())
