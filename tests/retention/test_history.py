"""The history by months: the partition of each row, the partitions that a read touches, and the end of a month."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from db.upkeep.retention import MONTHS_AHEAD, drop_history_month, make_history_months, purge_history
from statemachine.vocabulary import State
from tests.support.clock import move_clock
from tests.support.factories import World, make_job, make_world

DAY = timedelta(days=1)
YEAR = 365 * DAY


@pytest.fixture
def world(engine: Engine) -> World:
    with engine.begin() as conn:
        return make_world(conn)


def made_at(moment: datetime) -> UUID:
    """Return an id with the time of a moment."""
    return UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | 5)


def make_job_at(conn: Connection, world: World, moment: datetime, state: State = State.FAILED) -> UUID:
    """Add a job that was created at a moment and, if its state is `failed`, ended then."""
    job_id = made_at(moment)
    conn.execute(
        text(
            "INSERT INTO jobs (id, account_id, kind, state, event, actor, due_at, deadline_at) "
            "VALUES (:id, :account, 'avatar', 'queued', 'requested', 'api', now(), now())"
        ),
        {"id": job_id, "account": world.owner.account_id},
    )
    if state is State.FAILED:
        for to_state, event in (("compensating", "rejected"), ("failed", "undone")):
            conn.execute(
                text(
                    "UPDATE jobs SET state = :state, event = :event, seq = seq + 1, error_code = 'internal', "
                    "due_at = CASE WHEN :state = 'failed' THEN NULL ELSE due_at END, "
                    "finished_at = CASE WHEN :state = 'failed' THEN CAST(:at AS timestamptz) END WHERE id = :id"
                ),
                {"id": job_id, "state": to_state, "event": event, "at": moment},
            )
    return job_id


def place_of(conn: Connection, job_id: UUID) -> set[str]:
    """Return the partitions that contain a job's history."""
    return set(conn.scalars(text("SELECT tableoid::regclass::text FROM job_events WHERE job_id = :id"), {"id": job_id}))


def table_of(moment: datetime) -> str:
    return f"job_events_{moment:%Y_%m}"


def months(conn: Connection) -> list[str]:
    return list(conn.scalars(text("SELECT name FROM history_months() ORDER BY month")))


def test_the_history_of_a_job_is_in_the_month_of_its_creation(engine: Engine, world: World) -> None:
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.SUCCEEDED)
        assert place_of(conn, job_id) == {table_of(datetime.now(UTC))}


@pytest.mark.parametrize("gap", [timedelta(0), timedelta(milliseconds=-1)])
def test_no_gap_lies_between_two_months(engine: Engine, world: World, gap: timedelta) -> None:
    now = datetime.now(UTC)
    border = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC) + gap
    with engine.begin() as conn:
        assert place_of(conn, make_job_at(conn, world, border)) == {table_of(border)}


def test_the_coming_months_exist_and_are_created_once(engine: Engine) -> None:
    with engine.begin() as conn:
        assert len(months(conn)) == 1 + MONTHS_AHEAD
        assert make_history_months(conn) == 0
    move_clock(engine, 62 * DAY)
    with engine.begin() as conn:
        assert make_history_months(conn) == 2
        assert make_history_months(conn) == 0


def test_rows_without_a_month_move_to_it_once_it_is_created(engine: Engine, world: World) -> None:
    later = datetime.now(UTC) + 200 * DAY
    with engine.begin() as conn:
        job_id = make_job_at(conn, world, later)
        assert place_of(conn, job_id) == {"job_events_other"}
    move_clock(engine, 200 * DAY)
    with engine.begin() as conn:
        make_history_months(conn)
        assert place_of(conn, job_id) == {table_of(later)}
        seqs = conn.scalars(text("SELECT seq FROM job_events WHERE job_id = :id ORDER BY seq"), {"id": job_id})
        assert seqs.all() == [1, 2, 3]


def test_a_month_created_later_has_the_same_guards(engine: Engine, world: World) -> None:
    move_clock(engine, 200 * DAY)
    with engine.begin() as conn:
        make_history_months(conn)
        job_id = make_job_at(conn, world, datetime.now(UTC) + 200 * DAY, State.QUEUED)
    for illegal, constraint in (
        ("UPDATE jobs SET state = 'storing', event = 'output_ready', seq = seq + 1", "job_events_legal"),
        ("UPDATE job_events SET reason = 'none'", "job_events_append_only"),
    ):
        with engine.begin() as conn, pytest.raises(IntegrityError) as refused:
            conn.execute(text(f"{illegal} WHERE {'id' if 'jobs ' in illegal else 'job_id'} = :id"), {"id": job_id})
        assert constraint in str(refused.value.orig) + str(refused.value.orig.diag.constraint_name)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "read",
    [
        "SELECT * FROM job_events WHERE job_id = :id ORDER BY seq",
        "SELECT e.* FROM unnest(ARRAY[CAST(:id AS uuid)], ARRAY[0]) AS seen (job_id, seq) "
        "JOIN job_events e ON e.job_id = seen.job_id AND e.seq > seen.seq",
    ],
)
def test_reading_one_job_touches_one_partition(engine: Engine, world: World, read: str) -> None:
    with engine.begin() as conn:
        job_id = make_job(conn, world, State.SUCCEEDED)
        conn.execute(text("SET LOCAL enable_hashjoin = off"))
        conn.execute(text("SET LOCAL enable_mergejoin = off"))
        plan = conn.scalars(text(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {read}"), {"id": job_id}).all()
    scans = [line for line in plan if " on job_events" in line and "never executed" not in line]
    assert len(scans) == 1, "\n".join(plan)
    assert table_of(datetime.now(UTC)) in scans[0]


def drop_all(engine: Engine) -> list[str]:
    dropped: list[str] = []
    while True:
        with engine.begin() as conn:
            name = drop_history_month(conn, kept_for=YEAR)
        if name is None:
            return dropped
        dropped.append(name)


def test_only_old_months_whose_jobs_have_all_ended_are_dropped(engine: Engine, world: World) -> None:
    now = datetime.now(UTC)
    with engine.begin() as conn:
        first = make_job_at(conn, world, now)
        later = make_job_at(conn, world, now + 62 * DAY)
    move_clock(engine, YEAR + 31 * DAY)
    assert drop_all(engine) == [table_of(now)]
    with engine.begin() as conn:
        assert (place_of(conn, first), place_of(conn, later)) == (set(), {table_of(now + 62 * DAY)})


def test_old_rows_without_a_month_are_purged(engine: Engine, world: World) -> None:
    later = datetime.now(UTC) + 200 * DAY
    with engine.begin() as conn:
        ended = make_job_at(conn, world, later)
        works = make_job_at(conn, world, later + DAY, State.QUEUED)
    move_clock(engine, 200 * DAY + YEAR + DAY)
    with engine.begin() as conn:
        assert purge_history(conn, kept_for=YEAR, most=10) == 3
        assert (place_of(conn, ended), place_of(conn, works)) == (set(), {"job_events_other"})


@pytest.mark.parametrize("unfinished", [True, False])
def test_a_month_is_kept_while_one_of_its_jobs_is_unfinished_or_ended_recently(
    engine: Engine, world: World, unfinished: bool
) -> None:
    now = datetime.now(UTC)
    with engine.begin() as conn:
        job_id = make_job_at(conn, world, now, State.QUEUED if unfinished else State.FAILED)
        if not unfinished:
            conn.execute(text("UPDATE jobs SET finished_at = :at"), {"at": now + YEAR})
    move_clock(engine, YEAR + 32 * DAY)
    assert table_of(now) not in drop_all(engine)
    with engine.begin() as conn:
        assert place_of(conn, job_id) == {table_of(now)}
