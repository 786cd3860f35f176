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
from db.records.webhook_deliveries import Attempted, insert_delivery
from db.records.webhook_endpoints import insert_endpoint
from jobs.upkeep.retention import RetentionPolicy
from jobs.upkeep.row_purge import OldRows, PurgedRows
from statemachine.vocabulary import Kind, State, WebhookEventType
from tests.retention.account_files import AccountFiles
from tests.support.factories import World
from tests.support.invariants import assert_credits_add_up

DAY = timedelta(days=1)
YEARS = 730 * DAY
LONG = 900 * DAY
TABLES = ("jobs", "job_requests", "attempts", "compensation_actions", "job_events", "stories")


def purge(files: AccountFiles, kept_for: timedelta | None = YEARS, **policy: Any) -> PurgedRows:
    """Make one pass over everything, as the workers' periodic tasks do."""
    files.purge(**policy)
    return OldRows(files.engine, files.store, kept_for).purge()


def count(files: AccountFiles, table: str) -> int:
    return int(files.scalar(f"SELECT count(*) FROM {table}"))


def failed(files: AccountFiles, **request: Any) -> UUID:
    """Add a failed job that is completely undone."""
    job_id = files.job(State.FAILED, **request)
    with files.engine.begin() as conn:
        conn.execute(text("UPDATE compensation_actions SET state = 'done', result = 'deleted' WHERE state = 'pending'"))
    return job_id


def a_story(files: AccountFiles) -> tuple[UUID, UUID]:
    """Return the avatar and the scene of a story that has ended; their files and the selfie expire."""
    files.world = World(files.world.owner, files.selfie(kept_for=30 * DAY))
    story_id = new_id()
    with files.engine.begin() as conn:
        insert_story(conn, files.world.owner, story_id, files.world.selfie_id)
    how: dict[str, Any] = {"story_id": story_id, "credits": 5, "kept_for": 90 * DAY}
    avatar = files.job(State.SUCCEEDED, **how)
    return avatar, failed(files, parent_id=avatar, kind=Kind.SCENE, **how)


def test_the_rows_of_a_story_are_purged_after_its_files_and_history(files: AccountFiles) -> None:
    a_story(files)
    files.pass_time(729 * DAY)
    assert purge(files).jobs == 0
    assert count(files, "job_events") == 0, "its history is purged first"
    files.pass_time(LONG)
    assert purge(files).jobs == 2
    assert {table: count(files, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    assert purge(files) == PurgedRows(0, 0, 0)
    assert (files.objects(), files.inventory().is_sound) == ([], True)


def test_ledger_entries_are_kept_forever_and_add_up_without_their_jobs(files: AccountFiles) -> None:
    avatar, scene = a_story(files)
    with files.engine.connect() as conn:
        before = conn.execute(text("SELECT * FROM ledger_entries ORDER BY id")).all()
        wallets = conn.execute(text("SELECT * FROM wallets ORDER BY account_id")).all()
    files.pass_time(LONG)
    assert purge(files).jobs == 2
    with files.engine.connect() as conn:
        assert conn.execute(text("SELECT * FROM ledger_entries ORDER BY id")).all() == before
        assert conn.execute(text("SELECT * FROM wallets ORDER BY account_id")).all() == wallets
    assert {entry.job_id for entry in before} >= {avatar, scene}
    assert_credits_add_up(files.engine)


def test_rows_of_purged_files_are_purged_once_no_job_names_them(files: AccountFiles) -> None:
    a_story(files)
    files.pass_time(LONG)
    rows = OldRows(files.engine, files.store, YEARS)
    files.purge()
    gone = count(files, "assets")
    assert OldRows(files.engine, files.store, None).purge() == PurgedRows(0, 0, 0)
    assert rows.purge().files == gone, "the jobs are purged in the same pass"
    assert count(files, "assets") == 0


def test_a_file_whose_job_is_kept_keeps_its_row(files: AccountFiles) -> None:
    files.job(State.SUCCEEDED, kept_for=90 * DAY)
    files.pass_time(LONG)
    assert purge(files, history=None) == PurgedRows(jobs=0, files=0, keys=0)
    assert files.scalar("SELECT count(*) FROM assets a JOIN jobs j ON j.output_id = a.id AND a.state = 'deleted'") == 1


@pytest.mark.parametrize(
    ("why", "policy", "kept_for"),
    [
        ("its history is kept", {"history": None}, 90 * DAY),
        ("its picture is kept", {"sources": 7 * DAY}, None),
        ("its original is kept", {"sources": None}, 90 * DAY),
    ],
)
def test_a_job_is_kept_as_long_as_any_part_of_it(
    files: AccountFiles, why: str, policy: dict[str, Any], kept_for: timedelta | None
) -> None:
    files.job(State.SUCCEEDED, kept_for=kept_for)
    files.pass_time(LONG)
    assert purge(files, **policy).jobs == 0, why
    assert files.inventory().is_sound


@pytest.mark.parametrize(
    "meanwhile",
    [
        "UPDATE jobs SET finished_at = diorama_now() - interval '729 days'",
        "INSERT INTO compensation_actions (job_id, cycle, attempt, action, state, last_error) "
        "SELECT id, 7, 1, 'cancel_prediction', 'needs_review', 'it said 503' FROM jobs",
    ],
    ids=["ended later", "needs review"],
)
def test_a_job_that_is_not_over_is_kept(files: AccountFiles, meanwhile: str) -> None:
    failed(files)
    files.pass_time(LONG)
    with files.engine.begin() as conn:
        conn.execute(text(meanwhile))
    assert purge(files).jobs == 0


def test_unfinished_jobs_are_kept_however_old(files: AccountFiles) -> None:
    files.job(State.QUEUED)
    files.pass_time(LONG)
    assert purge(files).jobs == 0


def test_credits_that_were_never_settled_keep_their_job(files: AccountFiles) -> None:
    """This cannot happen. If it does all the same, support must still find the job."""
    job_id = failed(files)
    with files.engine.begin() as conn:
        conn.execute(text("UPDATE jobs SET credits = 5 WHERE id = :id"), {"id": job_id})
        hold_credits(conn, [job_id], actor="test")
    files.pass_time(LONG)
    assert purge(files).jobs == 0


def test_leftovers_are_purged_with_the_job(files: AccountFiles) -> None:
    job_id = failed(files)
    files.pass_time(LONG)
    files.put(f"jobs/{job_id}/1/half.png")
    assert purge(files).jobs == 1
    assert files.objects() == []


def test_a_pass_that_dies_before_the_rows_is_completed_by_the_next(
    files: AccountFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = failed(files)
    files.pass_time(LONG)
    files.put(f"jobs/{job_id}/1/half.png")

    def die(*_: object, **__: object) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr("jobs.upkeep.row_purge.purge_jobs", die)
    with pytest.raises(KeyboardInterrupt):
        purge(files)
    assert files.inventory().is_sound
    assert purge(files).jobs == 1


def test_a_job_that_is_redriven_during_the_purge_is_kept(files: AccountFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    failed(files)
    files.pass_time(LONG)
    files.purge()
    listed = files.store.list

    def redrive_meanwhile(prefix: str) -> Any:
        with files.engine.begin() as conn:
            conn.execute(
                text(
                    "UPDATE jobs SET state = 'queued', event = 'redriven', seq = seq + 1, finished_at = NULL, "
                    "due_at = now()"
                )
            )
        return listed(prefix)

    monkeypatch.setattr(files.store, "list", redrive_meanwhile)
    assert OldRows(files.engine, files.store, YEARS).purge().jobs == 0
    assert count(files, "jobs") == 1


def test_a_pass_reads_one_batch_and_the_next_pass_continues(
    files: AccountFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.upkeep.row_purge.BATCH_SIZE", 2)
    stays = files.job(State.SUCCEEDED)
    for _ in range(4):
        failed(files)
    files.pass_time(LONG)
    files.purge()
    rows = OldRows(files.engine, files.store, YEARS)
    assert [rows.purge(batches=1).jobs for _ in range(4)] == [1, 2, 1, 0]
    assert files.scalar("SELECT id FROM jobs") == stays


def test_idempotency_keys_are_purged_like_rows(files: AccountFiles) -> None:
    with files.engine.begin() as conn:
        claim_key(conn, IdempotencyKey(files.world.owner.account_id, "", "createAvatar", "key"), b"digest", new_id())
    files.pass_time(YEARS - DAY)
    assert purge(files).keys == 0
    files.pass_time(YEARS + DAY)
    assert purge(files).keys == 1


def test_credits_are_held_only_for_a_job_that_exists(files: AccountFiles) -> None:
    """No foreign key enforces this, because entries outlive their jobs."""
    hold_credits_without_job = text(
        "INSERT INTO ledger_entries (account_id, user_ref, kind, job_id, cycle, amount, debit_bucket, credit_bucket, "
        "actor) VALUES (:account, '', 'hold', :job, 1, 5, 'available', 'held', 'test')"
    )
    with files.engine.begin() as conn, pytest.raises(IntegrityError, match="a job that exists"):
        conn.execute(hold_credits_without_job, {"account": files.world.owner.account_id, "job": new_id()})


def test_a_purged_job_that_still_holds_credits_is_reported(files: AccountFiles) -> None:
    job_id = files.job(State.QUEUED, credits=5)
    with files.engine.begin() as conn:
        conn.execute(text("DELETE FROM jobs"))
        found = ledger_discrepancies(conn)
    assert [(each.id, each.why) for each in found] == [(job_id, "is gone and still holds credits")]


def test_rows_are_kept_for_two_years_by_default() -> None:
    assert RetentionPolicy().rows == YEARS


def test_the_log_of_webhooks_is_kept_for_thirty_days(files: AccountFiles) -> None:
    with files.engine.begin() as conn:
        endpoint = insert_endpoint(
            conn,
            files.world.owner.account_id,
            url="https://acme.example",
            description="",
            event_types=[WebhookEventType.JOB_FAILED],
            position=0,
        )
        attempted = Attempted("job_1_1", "job.failed", 1, 1, 5, 200, None)
        for _ in range(3):
            insert_delivery(conn, endpoint.account_id, endpoint.id, attempted)
    files.pass_time(29 * DAY)
    assert purge(files).deliveries == 0
    files.pass_time(31 * DAY)
    assert purge(files, kept_for=None).deliveries == 3
    assert count(files, "webhook_deliveries") == 0
    assert count(files, "webhook_endpoints") == 1
