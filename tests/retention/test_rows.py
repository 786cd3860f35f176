"""Old rows: the rows that are purged with a job, the reasons to keep it, and credits that add up without it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db.ids import new_id
from db.records.ledger import hold_credits, ledger_discrepancies
from db.records.requests import IdempotencyKey, claim_key, insert_story
from jobs.upkeep.retention import RetentionPolicy
from jobs.upkeep.row_purge import OldRows, PurgedRows
from statemachine.vocabulary import Kind, State
from tests.retention.conftest import House
from tests.support.factories import World
from tests.support.invariants import assert_credits_add_up

DAY = timedelta(days=1)
YEARS = 730 * DAY
LONG = 900 * DAY
TABLES = ("jobs", "job_requests", "attempts", "compensation_actions", "job_events", "stories")


def purge(house: House, kept_for: timedelta | None = YEARS, **policy: Any) -> PurgedRows:
    """Make one pass over everything, as the workers' periodic tasks do."""
    house.purge(**policy)
    return OldRows(house.engine, house.store, kept_for).purge()


def count(house: House, table: str) -> int:
    return int(house.scalar(f"SELECT count(*) FROM {table}"))


def failed(house: House, **request: Any) -> UUID:
    """Add a failed job that is completely undone."""
    job_id = house.job(State.FAILED, **request)
    with house.engine.begin() as conn:
        conn.execute(text("UPDATE compensation_actions SET state = 'done', result = 'deleted' WHERE state = 'pending'"))
    return job_id


def a_story(house: House) -> tuple[UUID, UUID]:
    """Return the avatar and the scene of a story that has ended; their files and the selfie expire."""
    house.world = World(house.world.owner, house.selfie(kept_for=30 * DAY))
    story_id = new_id()
    with house.engine.begin() as conn:
        insert_story(conn, house.world.owner, story_id, house.world.selfie_id)
    how: dict[str, Any] = {"story_id": story_id, "credits": 5, "kept_for": 90 * DAY}
    avatar = house.job(State.SUCCEEDED, **how)
    return avatar, failed(house, parent_id=avatar, kind=Kind.SCENE, **how)


def test_the_rows_of_a_story_are_purged_after_its_files_and_history(house: House) -> None:
    a_story(house)
    house.pass_time(729 * DAY)
    assert purge(house).jobs == 0
    assert count(house, "job_events") == 0, "its history is purged first"
    house.pass_time(LONG)
    assert purge(house).jobs == 2
    assert {table: count(house, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    assert purge(house) == PurgedRows(0, 0, 0)
    assert (house.objects(), house.inventory().is_sound) == ([], True)


def test_ledger_entries_are_kept_forever_and_add_up_without_their_jobs(house: House) -> None:
    avatar, scene = a_story(house)
    with house.engine.connect() as conn:
        before = conn.execute(text("SELECT * FROM ledger_entries ORDER BY id")).all()
        wallets = conn.execute(text("SELECT * FROM wallets ORDER BY account_id")).all()
    house.pass_time(LONG)
    assert purge(house).jobs == 2
    with house.engine.connect() as conn:
        assert conn.execute(text("SELECT * FROM ledger_entries ORDER BY id")).all() == before
        assert conn.execute(text("SELECT * FROM wallets ORDER BY account_id")).all() == wallets
    assert {entry.job_id for entry in before} >= {avatar, scene}
    assert_credits_add_up(house.engine)


def test_rows_of_purged_files_are_purged_once_no_job_names_them(house: House) -> None:
    a_story(house)
    house.pass_time(LONG)
    rows = OldRows(house.engine, house.store, YEARS)
    house.purge()
    gone = count(house, "assets")
    assert OldRows(house.engine, house.store, None).purge() == PurgedRows(0, 0, 0)
    assert rows.purge().files == gone, "the jobs are purged in the same pass"
    assert count(house, "assets") == 0


def test_a_file_whose_job_is_kept_keeps_its_row(house: House) -> None:
    house.job(State.SUCCEEDED, kept_for=90 * DAY)
    house.pass_time(LONG)
    assert purge(house, history=None) == PurgedRows(jobs=0, files=0, keys=0)
    assert house.scalar("SELECT count(*) FROM assets a JOIN jobs j ON j.output_id = a.id AND a.state = 'deleted'") == 1


@pytest.mark.parametrize(
    ("why", "policy", "kept_for"),
    [
        ("its history is kept", {"history": None}, 90 * DAY),
        ("its picture is kept", {"sources": 7 * DAY}, None),
        ("its original is kept", {"sources": None}, 90 * DAY),
    ],
)
def test_a_job_is_kept_as_long_as_any_part_of_it(
    house: House, why: str, policy: dict[str, Any], kept_for: timedelta | None
) -> None:
    house.job(State.SUCCEEDED, kept_for=kept_for)
    house.pass_time(LONG)
    assert purge(house, **policy).jobs == 0, why
    assert house.inventory().is_sound


@pytest.mark.parametrize(
    "meanwhile",
    [
        "UPDATE jobs SET finished_at = diorama_now() - interval '729 days'",
        "INSERT INTO compensation_actions (job_id, cycle, attempt, action, state, last_error) "
        "SELECT id, 7, 1, 'cancel_prediction', 'needs_review', 'it said 503' FROM jobs",
    ],
    ids=["ended later", "needs review"],
)
def test_a_job_that_is_not_over_is_kept(house: House, meanwhile: str) -> None:
    failed(house)
    house.pass_time(LONG)
    with house.engine.begin() as conn:
        conn.execute(text(meanwhile))
    assert purge(house).jobs == 0


def test_unfinished_jobs_are_kept_however_old(house: House) -> None:
    house.job(State.QUEUED)
    house.pass_time(LONG)
    assert purge(house).jobs == 0


def test_credits_that_were_never_settled_keep_their_job(house: House) -> None:
    """This cannot happen. If it does all the same, support must still find the job."""
    job_id = failed(house)
    with house.engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET credits = 5 WHERE id = :id"), {"id": job_id})
        hold_credits(conn, [job_id], actor="test")
    house.pass_time(LONG)
    assert purge(house).jobs == 0


def test_leftovers_are_purged_with_the_job(house: House) -> None:
    job_id = failed(house)
    house.pass_time(LONG)
    house.put(f"jobs/{job_id}/1/half.png")
    assert purge(house).jobs == 1
    assert house.objects() == []


def test_a_pass_that_dies_before_the_rows_is_completed_by_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = failed(house)
    house.pass_time(LONG)
    house.put(f"jobs/{job_id}/1/half.png")

    def die(*_: object, **__: object) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr("jobs.upkeep.row_purge.purge_jobs", die)
    with pytest.raises(KeyboardInterrupt):
        purge(house)
    assert house.inventory().is_sound
    assert purge(house).jobs == 1


def test_a_job_that_is_redriven_during_the_purge_is_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    failed(house)
    house.pass_time(LONG)
    house.purge()
    listed = house.store.list

    def redrive_meanwhile(prefix: str) -> Any:
        with house.engine.begin() as conn:
            conn.execute(
                text(
                    "UPDATE jobs SET state = 'queued', event = 'redriven', seq = seq + 1, finished_at = NULL, "
                    "due_at = now()"
                )
            )
        return listed(prefix)

    monkeypatch.setattr(house.store, "list", redrive_meanwhile)
    assert OldRows(house.engine, house.store, YEARS).purge().jobs == 0
    assert count(house, "jobs") == 1


def test_a_pass_reads_one_batch_and_the_next_pass_continues(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.upkeep.row_purge.BATCH_SIZE", 2)
    stays = house.job(State.SUCCEEDED)
    for _ in range(4):
        failed(house)
    house.pass_time(LONG)
    house.purge()
    rows = OldRows(house.engine, house.store, YEARS)
    assert [rows.purge(batches=1).jobs for _ in range(4)] == [1, 2, 1, 0]
    assert house.scalar("SELECT id FROM jobs") == stays


def test_idempotency_keys_are_purged_like_rows(house: House) -> None:
    with house.engine.begin() as conn:
        claim_key(conn, IdempotencyKey(house.world.owner.account_id, "", "createAvatar", "key"), b"digest", new_id())
    house.pass_time(YEARS - DAY)
    assert purge(house).keys == 0
    house.pass_time(YEARS + DAY)
    assert purge(house).keys == 1


def test_credits_are_held_only_for_a_job_that_exists(house: House) -> None:
    """No foreign key enforces this, because entries outlive their jobs."""
    hold_credits_without_job = text(
        "INSERT INTO ledger_entries (account_id, user_ref, kind, job_id, cycle, amount, debit_bucket, credit_bucket, "
        "actor) VALUES (:account, '', 'hold', :job, 1, 5, 'available', 'held', 'test')"
    )
    with house.engine.begin() as conn, pytest.raises(IntegrityError, match="a job that exists"):
        conn.execute(hold_credits_without_job, {"account": house.world.owner.account_id, "job": new_id()})


def test_a_purged_job_that_still_holds_credits_is_reported(house: House) -> None:
    job_id = house.job(State.QUEUED, credits=5)
    with house.engine.begin() as conn:
        conn.execute(text("DELETE FROM jobs"))
        found = ledger_discrepancies(conn)
    assert [(each.id, each.why) for each in found] == [(job_id, "is gone and still holds credits")]


def test_rows_are_kept_for_two_years_by_default() -> None:
    assert RetentionPolicy().rows == YEARS
