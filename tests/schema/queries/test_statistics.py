"""Statistics count each ending of a job once, under its root cause, in the hour and on the day in which it happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from db.records.statistics import Ended, roll_up
from schema.ids import IdKind, decode_id, encode_id
from schema.types.statistics import StatisticsRow
from statemachine.vocabulary import State
from tests.schema.documents import make_avatar, make_story
from tests.support.partners import PARENT_READY, REDRIVEN, TO_OUTAGE, TO_SUCCESS, Partner, move, to_failure
from tests.support.serving import Caller

STATISTICS = """
query ($by: Interval!, $from: DateTime!, $to: DateTime!, $filter: StatisticsFilter) {
  statistics(by: $by, from: $from, to: $to, filter: $filter) {
    startsAt succeeded failed canceled causes { code count } medianSeconds p95Seconds spendMicros
  }
}
"""
_SUCCEED_AFTER = """
    UPDATE jobs
    SET state = 'succeeded', event = 'transcoded', actor = 'worker', seq = seq + 1, percent = 100, due_at = NULL,
        finished_at = diorama_now(), output_id = :output, cost_micros = :cost
    WHERE id = :id
"""


def count(engine: Engine) -> None:
    with engine.begin() as conn:
        roll_up(conn)


def rows(caller: Caller, partner: Partner, by: str = "HOUR", **wanted: Any) -> list[dict[str, Any]]:
    """Return the rows around now with anything in them, of one account."""
    now = datetime.now(UTC)
    given = {"from": (now - timedelta(hours=2)).isoformat(), "to": (now + timedelta(hours=2)).isoformat()}
    account = encode_id(IdKind.ACCOUNT, partner.principal.account_id)
    found = caller.ask(STATISTICS, by=by, **given, filter={"account": account, **wanted})["statistics"]
    return [row for row in found if row["succeeded"] or row["failed"] or row["canceled"]]


def summed(found: list[dict[str, Any]], what: str) -> int:
    return sum(row[what] for row in found)


def succeed_after(partner: Partner, job_id: str, seconds: int, cost_micros: int) -> None:
    """Let a job that is being transcoded succeed some time after its request."""
    given = {"id": decode_id(job_id, IdKind.JOB), "output": decode_id(partner.asset("avatar"), IdKind.ASSET)}
    with partner.server.engine.begin() as conn:
        conn.execute(text("SELECT set_config('diorama.clock_offset', :after, true)"), {"after": f"{seconds} s"})
        conn.execute(text(_SUCCEED_AFTER), {**given, "cost": cost_micros})


def test_a_success_counts_once_with_its_time_and_its_price(acme: Partner, support: Partner) -> None:
    engine, job_id = acme.server.engine, make_avatar(acme, acme.asset())
    move(engine, job_id, *TO_SUCCESS[:-1])
    succeed_after(acme, job_id, seconds=100, cost_micros=64_000)
    for _ in range(2):
        count(engine)
    for by in ("HOUR", "DAY"):
        [row] = rows(support, acme, by)
        assert (row["succeeded"], row["failed"], row["canceled"], row["causes"]) == (1, 0, 0, [])
        assert 100 <= row["medianSeconds"] == row["p95Seconds"] <= 120
        assert row["spendMicros"] == 64_000
    assert rows(support, acme, kinds=["SCENE"]) == []
    assert len(rows(support, acme, kinds=["AVATAR", "SCENE"])) == 1


def test_what_a_failure_takes_along_is_not_counted_again(acme: Partner, support: Partner) -> None:
    engine, story = acme.server.engine, make_story(acme, acme.asset())
    avatar, scene, animation = (story[kind]["id"] for kind in ("avatar", "scene", "animation"))
    move(engine, avatar, *TO_SUCCESS)
    move(engine, scene, PARENT_READY, *to_failure("content_rejected"))
    move(engine, animation, PARENT_READY, *to_failure("parent_failed"))
    count(engine)
    found = rows(support, acme)
    assert (summed(found, "succeeded"), summed(found, "failed")) == (1, 1)
    assert [cause for row in found for cause in row["causes"]] == [{"code": "CONTENT_REJECTED", "count": 1}]


def test_a_retry_that_succeeds_counts_beside_the_failure(acme: Partner, support: Partner) -> None:
    engine, job_id = acme.server.engine, make_avatar(acme, acme.asset())
    move(engine, job_id, *TO_OUTAGE)
    count(engine)
    move(engine, job_id, REDRIVEN, *TO_SUCCESS)
    count(engine)
    found = rows(support, acme)
    assert (summed(found, "succeeded"), summed(found, "failed")) == (1, 1)


def test_an_ending_that_commits_after_the_count_is_in_the_next(acme: Partner, support: Partner) -> None:
    engine, slow, fast = acme.server.engine, make_avatar(acme, acme.asset()), make_avatar(acme, acme.asset())
    move(engine, slow, *TO_SUCCESS[:-1])
    given = {"id": decode_id(slow, IdKind.JOB), "output": decode_id(acme.asset("avatar"), IdKind.ASSET), "cost": 1}
    with engine.connect() as conn, conn.begin():
        conn.execute(text(_SUCCEED_AFTER), given)
        move(engine, fast, *TO_SUCCESS)
        count(engine)
        assert summed(rows(support, acme), "succeeded") == 1
    count(engine)
    assert summed(rows(support, acme), "succeeded") == 2


def test_after_a_dump_is_restored_elsewhere_new_endings_count(acme: Partner, support: Partner) -> None:
    engine, jobs = acme.server.engine, [make_avatar(acme, acme.asset()) for _ in range(2)]
    move(engine, jobs[0], *TO_SUCCESS)
    count(engine)
    with engine.begin() as conn:
        # The ids of the old server were far ahead of those of the new one.
        conn.execute(text("UPDATE statistics_reader SET system = 1, seen = '4000000000:4000000000:'"))
    for _ in range(2):
        count(engine)
    move(engine, jobs[1], *TO_SUCCESS)
    count(engine)
    assert summed(rows(support, acme), "succeeded") == 2


def test_all_accounts_together_are_counted_too(acme: Partner, rival: Partner, support: Partner) -> None:
    day = datetime.now(UTC).isoformat()
    given = {"by": "DAY", "from": day, "to": (datetime.now(UTC) + timedelta(seconds=1)).isoformat()}
    # What other tests left in this database.
    count(acme.server.engine)
    before = support.ask(STATISTICS, **given)["statistics"][0]["succeeded"]
    for each in (acme, rival):
        move(each.server.engine, make_avatar(each, each.asset()), *TO_SUCCESS)
    count(acme.server.engine)
    assert support.ask(STATISTICS, **given)["statistics"][0]["succeeded"] == before + 2


def test_every_interval_has_a_row_and_there_are_not_too_many(acme: Partner, support: Partner) -> None:
    given = {"by": "HOUR", "from": "2026-01-31T08:59:00Z", "to": "2026-01-31T11:00:00Z"}
    found = support.ask(STATISTICS, **given)["statistics"]
    assert [row["startsAt"][11:16] for row in found] == ["08:00", "09:00", "10:00"]
    assert {row["medianSeconds"] for row in found} == {None}
    for to in ("2026-01-31T08:00:00Z", "2026-02-08T17:00:00Z"):
        assert support.fail(STATISTICS, **{**given, "to": to})["extensions"]["code"] == "BAD_USER_INPUT"
    for caller in (acme, acme.user()):
        assert caller.fail(STATISTICS, **given)["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(("slow", "median", "p95"), [(0, 4, 4), (6, 4, 64), (60, 64, 64)])
def test_quantiles_come_from_the_buckets(slow: int, median: float, p95: float) -> None:
    # Buckets of four to the octave: the seventh ends at 4 s, the one before 24 at 64 s.
    ended = [Ended(datetime.now(UTC), State.SUCCEEDED, None, bucket, jobs, 0) for bucket, jobs in ((7, 50), (23, slow))]
    row = StatisticsRow.of(datetime.now(UTC), ended)
    assert (row.median_seconds, row.p95_seconds) == (median, p95)
