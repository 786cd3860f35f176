"""A poll is worth a call only when no other source will report the end, and its wait follows the usual duration."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from db.engine.tracking import Recent, WatcherStatus
from jobs.providers.profiles import profiles
from jobs.tracking.durations import Usual, usual_of
from jobs.tracking.poll_schedule import Poll, PollSchedule, Reports, next_poll

STEADY = PollSchedule(jitter=0.0)
MODEL = profiles()["openai/gpt-image-2.5-sunburst"]
USUAL = Usual(low_s=28, middle_s=42, high_s=63, succeeded_s=tuple(float(s) for s in range(28, 63)))
MANY = WatcherStatus(in_flight=2000, covers=True)


def poll_at(elapsed_s: float, reports: Reports | None = None, watch: WatcherStatus | None = None) -> Poll:
    return next_poll(STEADY, elapsed_s, USUAL, reports or Reports(), watch or WatcherStatus(), Random(1))


def test_polls_are_rare_before_the_usual_time_and_frequent_around_it() -> None:
    assert poll_at(12).again_in_s == 6
    assert poll_at(26).again_in_s == 2, "the next poll is when the first predictions end"
    assert poll_at(42).again_in_s == pytest.approx(3.5)
    assert poll_at(200).again_in_s == STEADY.most_s


def test_every_poll_is_worth_a_call_if_no_other_source_reports() -> None:
    assert all(poll_at(elapsed_s).is_due for elapsed_s in (0, 1, 42, 1000))


def test_waits_are_spread_so_that_jobs_do_not_poll_together() -> None:
    settings = replace(STEADY, jitter=0.1)
    waits = {next_poll(settings, 42, USUAL, Reports(), WatcherStatus(), Random(seed)).again_in_s for seed in range(20)}
    assert len(waits) == 20
    assert all(3.15 <= wait_s <= 3.85 for wait_s in waits)


def test_a_tracked_job_reports_its_progress_without_a_call() -> None:
    tracked = poll_at(42, Reports(in_list=True), MANY)
    assert tracked == Poll(False, 10.0), "2,000 jobs report 200 times a second"
    assert poll_at(42, Reports(in_list=True), replace(MANY, covers=False)).is_due
    assert poll_at(42, Reports(in_list=False), MANY).is_due, "the watcher sees only predictions in the list"


def test_a_job_that_the_watcher_should_have_seen_long_ago_polls_by_itself() -> None:
    assert poll_at(1000, Reports(in_list=True), MANY).is_due


def test_with_webhooks_only_an_overdue_prediction_is_polled() -> None:
    assert poll_at(42, Reports(by_webhook=True)) == Poll(False, 5.0)
    assert poll_at(62, Reports(by_webhook=True)) == Poll(False, 1.0), "it is overdue after 1.5 times the usual time"
    assert poll_at(64, Reports(by_webhook=True)).is_due


@pytest.mark.parametrize("reports", [Reports(by_webhook=True), Reports(in_list=True)])
def test_a_job_whose_end_was_reported_polls_at_once(reports: Reports) -> None:
    ended = poll_at(20, replace(reports, has_ended=True), MANY)
    assert ended.is_due
    assert ended.again_in_s < 10


def test_without_their_watcher_many_jobs_poll_ten_times_a_second_together() -> None:
    assert poll_at(42, Reports(in_list=True), WatcherStatus(in_flight=2000)) == Poll(True, 200.0)


def test_the_usual_time_is_measured_once_there_are_enough_predictions() -> None:
    few = Recent(ended_s=(1.0,) * 9, succeeded_s=(1.0,) * 9, queued_s=1.0, finishing_s=2.0)
    assert usual_of({(MODEL.model, None): few}, MODEL, None) == Usual(20.0, 40.0, 80.0, 1.0, 2.0)
    succeeded_s = tuple(float(s) for s in range(10, 110))
    many = Recent(ended_s=(1.0, *succeeded_s), succeeded_s=succeeded_s, queued_s=1.0, finishing_s=2.0)
    usual = usual_of({(MODEL.model, None): many}, MODEL, None)
    assert (usual.low_s, usual.middle_s, usual.high_s) == (11.0, 60.0, 108.0)


def test_the_remaining_time_follows_predictions_that_took_longer() -> None:
    assert USUAL.remaining_s(0) == 45
    assert USUAL.remaining_s(50) == 7, "of those that took longer than 50 s, the median took 57 s"
    assert USUAL.remaining_s(100) is None
    assert Usual(20, 40, 80).remaining_s(30) == 10
    assert Usual(20, 40, 80).remaining_s(50) is None
