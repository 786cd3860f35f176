"""The sequencer: no event missed, repeated or out of order, however transactions interleave."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from db import statements
from db.engine.activity import adopt, sequence
from db.ids import new_id
from db.records.activity import ActivityEntry, ActivityPurged, head, read
from statemachine.vocabulary import ActivityType as T
from statemachine.vocabulary import Kind, State
from tests.db.engine.activity_world import ActivityWorld
from tests.support.factories import World, advance_through, make_job, make_world

_POSTPONE = text("UPDATE jobs SET event = 'postponed', actor = 'worker', seq = seq + 1 WHERE id = :id")

NAIVE = {
    "by transaction id alone": (
        "max(e.xid) OVER (PARTITION BY e.job_id ORDER BY e.seq) AS place",
        "e.xid AS place",
    ),
    "what began after the last run": (
        "e.xid >= pg_snapshot_xmin((SELECT seen FROM last))\n"
        "      AND NOT pg_visible_in_snapshot(e.xid, (SELECT seen FROM last))",
        "e.xid >= pg_snapshot_xmax((SELECT seen FROM last))",
    ),
    "all from the oldest open transaction on": (
        "      AND NOT pg_visible_in_snapshot(e.xid, (SELECT seen FROM last))",
        "",
    ),
    "in the order of the jobs": ("ORDER BY e.place DESC, e.of_job DESC", "ORDER BY e.of_job DESC"),
}
"""Replace what the sequencer does by what is often done instead, as changes of the sequencer's statement."""


def entries(conn: Connection, world: World) -> list[ActivityEntry]:
    return read(conn, world.owner.account_id, None, 1_000)


def sequenced(engine: Engine, world: World) -> list[ActivityEntry]:
    with engine.begin() as conn:
        sequence(conn)
        return entries(conn, world)


@pytest.mark.parametrize("seed", range(8))
def test_no_interleaving_misses_repeats_or_reorders(engine: Engine, seed: int) -> None:
    world = ActivityWorld(engine, seed)
    world.run(150)
    assert world.violations() == []


@pytest.mark.parametrize("naive", NAIVE)
def test_the_interleavings_find_what_is_wrong_with_a_naive_order(
    engine: Engine, naive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = NAIVE[naive]
    source = statements.source_of("sequence_activity")
    assert ours in source
    changed = source.replace(ours, theirs)
    read_source = statements.source_of
    monkeypatch.setattr(
        statements, "source_of", lambda name: changed if name == "sequence_activity" else read_source(name)
    )
    statements.statement.cache_clear()
    statements._for_driver.cache_clear()
    try:
        assert any(_violations(engine, seed) for seed in range(20))
    finally:
        statements.statement.cache_clear()
        statements._for_driver.cache_clear()


def _violations(engine: Engine, seed: int) -> list[str]:
    world = ActivityWorld(engine, seed)
    try:
        world.run(150)
    except Exception as error:  # noqa: BLE001 - the database refuses what is repeated, for example
        return [repr(error)]
    return world.violations()


def test_an_event_that_commits_late_is_read_later(engine: Engine) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
        early, late = make_job(conn, world), make_job(conn, world)
    with engine.connect() as slow:
        slow.execute(_POSTPONE, {"id": late})
        with engine.begin() as quick:
            quick.execute(_POSTPONE, {"id": early})
        before = sequenced(engine, world)
        slow.commit()
    after = sequenced(engine, world)
    assert after[: len(before)] == before
    assert [(each.job_id, each.seq) for each in after[len(before) :]] == [(late, 2)]


def test_an_older_transaction_that_moves_a_job_later_comes_later(engine: Engine) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
        job_id = make_job(conn, world)
    with engine.connect() as older:
        older.execute(text("SELECT pg_current_xact_id()"))
        with engine.begin() as newer:
            newer.execute(_POSTPONE, {"id": job_id})
        older.execute(_POSTPONE, {"id": job_id})
        older.commit()
    assert [each.seq for each in sequenced(engine, world)] == [1, 2, 3]


def test_two_sequencers_wait_for_each_other(engine: Engine) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
        make_job(conn, world)
    with engine.connect() as first, engine.connect() as second:
        assert sequence(first)
        second.execute(text("SET lock_timeout = '50ms'"))
        with pytest.raises(Exception, match="lock timeout"):
            sequence(second)
        second.rollback()
        first.commit()
        assert not sequence(second)


def make_story(conn: Connection, world: World) -> UUID:
    story_id = new_id()
    conn.execute(
        text("INSERT INTO stories (id, account_id, selfie_id) VALUES (:id, :account, :selfie)"),
        {"id": story_id, "account": world.owner.account_id, "selfie": world.selfie_id},
    )
    return story_id


@pytest.mark.parametrize(
    ("last", "outcome"),
    [(State.SUCCEEDED, T.STORY_SUCCEEDED), (State.FAILED, T.STORY_FAILED), (State.CANCELED, T.STORY_CANCELED)],
)
def test_a_story_begins_with_its_first_job_and_ends_with_its_last(engine: Engine, last: State, outcome: T) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
        story_id = make_story(conn, world)
        avatar = make_job(conn, world, State.SUCCEEDED, story_id=story_id)
        scene = make_job(conn, world, story_id=story_id, kind=Kind.SCENE, parent_id=avatar)
    before = sequenced(engine, world)
    assert before[0].type is T.STORY_BEGAN
    assert {each.type for each in before[1:]} == {T.JOB_EVENT}
    with engine.begin() as conn:
        advance_through(conn, scene, last)
    ended = sequenced(engine, world)[-1]
    assert (ended.type, ended.story_id, ended.state, ended.job_id) == (outcome, story_id, last, None)


def test_positions_are_read_in_pages_and_purged_ones_are_refused(engine: Engine) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
        account_id = world.owner.account_id
        assert (head(conn, account_id).position, entries(conn, world)) == (0, [])
        make_job(conn, world, State.SUCCEEDED)
    everything = sequenced(engine, world)
    with engine.begin() as conn:
        assert read(conn, account_id, 2, 2) == everything[2:4]
        assert read(conn, account_id, head(conn, account_id).position, 2) == []
        conn.execute(text("UPDATE activity_heads SET purged = 3"))
        conn.execute(text("DELETE FROM activity WHERE position <= 3"))
        assert read(conn, account_id, 3, 100) == read(conn, account_id, None, 100) == everything[3:]
        with pytest.raises(ActivityPurged) as refused:
            read(conn, account_id, 2, 2)
        assert refused.value.oldest == 4


@pytest.mark.parametrize("ids", ["'1'", "(pg_current_xact_id()::text::bigint + 1000000)::text"], ids=["low", "high"])
def test_a_dump_restored_on_another_server_goes_on_where_it_was(engine: Engine, ids: str) -> None:
    """Transaction ids of two servers cannot be compared: new events would pass for old ones, or old ones for new."""
    with engine.begin() as conn:
        world = make_world(conn)
        job_id = make_job(conn, world)
        make_job(conn, world, State.SUCCEEDED)
    before = sequenced(engine, world)
    with engine.begin() as conn:
        conn.execute(_POSTPONE, {"id": job_id})
        # As a dump brings them: the ids and the snapshot of a server that has come further, or less far.
        conn.execute(text("SELECT set_config('diorama.erasing', 'on', true)"))
        conn.execute(text(f"UPDATE job_events SET xid = CAST({ids} AS xid8)"))
        conn.execute(text("UPDATE activity_sequencer SET system = 1, seen = '900000000:900000000:'"))
    with engine.begin() as conn:
        conn.execute(_POSTPONE, {"id": job_id})
        assert sequence(conn) == [], "the trap: nothing is new by the old snapshot"
    with engine.begin() as conn:
        assert adopt(conn) == 2
    with engine.begin() as conn:
        assert adopt(conn) is None
        conn.execute(_POSTPONE, {"id": job_id})
    after = sequenced(engine, world)
    assert after[: len(before)] == before
    assert [(each.job_id, each.seq) for each in after[len(before) :]] == [(job_id, 2), (job_id, 3), (job_id, 4)]
    assert sequenced(engine, world) == after


def test_what_was_purged_is_not_numbered_again_after_a_restore(engine: Engine) -> None:
    with engine.begin() as conn:
        world = make_world(conn)
        make_job(conn, world, State.SUCCEEDED)
    sequenced(engine, world)
    with engine.begin() as conn:
        conn.execute(text("DELETE FROM activity"))
        conn.execute(text("UPDATE activity_heads SET purged = position"))
        conn.execute(text("UPDATE activity_sequencer SET system = 1"))
    with engine.begin() as conn:
        assert adopt(conn) == 0
    assert sequenced(engine, world) == []
