"""Usage is counted from exactly the rows that exist, by indexes that have no others."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine, text

from db.records.usage import unfinished_jobs, uploads_of_account
from statemachine.vocabulary import TERMINAL, Kind, State
from tests.support.factories import World, make_job, make_world


@pytest.mark.parametrize("kind", [Kind.AVATAR, Kind.ANIMATION])
@pytest.mark.parametrize("state", list(State))
def test_every_job_that_has_not_ended_is_counted(engine: Engine, state: State, kind: Kind) -> None:
    with engine.begin() as conn:
        world, other = make_world(conn), make_world(conn)
        for each in (world, world, other):
            make_job(conn, each, state, kind=kind)
        expected = 0 if state in TERMINAL else 2
        assert unfinished_jobs(conn, world.owner.account_id, most=100) == expected
        assert unfinished_jobs(conn, world.owner.account_id, most=0) >= min(expected, 1), "enough to exceed the limit"


def test_the_bytes_of_uploads_follow_their_states(engine: Engine) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
        before = kept(conn, world)
        add = (
            "INSERT INTO assets (id, account_id, kind, state, object_key, content_type) "
            "VALUES (gen_random_uuid(), :account, 'selfie', 'pending', 'new', 'image/png')"
        )
        conn.execute(text(add), {"account": world.owner.account_id})
        assert uploads_of_account(conn, world.owner.account_id, most_pending=9) == (1, before)
        for state, is_kept in (
            ("ready", True),
            ("ready", True),
            ("missing", False),
            ("ready", True),
            ("deleted", False),
        ):
            change = "UPDATE assets SET state = :state, size_bytes = 1000, sha256 = 'ab' WHERE object_key = 'new'"
            conn.execute(text(change), {"state": state})
            assert uploads_of_account(conn, world.owner.account_id, most_pending=9) == (0, before + 1000 * is_kept)


def kept(conn: Connection, world: World) -> int:
    """Return the bytes of the uploads that are kept."""
    total = "SELECT sum(size_bytes) FROM assets WHERE account_id = :id AND kind = 'selfie' AND state = 'ready'"
    return int(conn.execute(text(total), {"id": world.owner.account_id}).scalar_one())
