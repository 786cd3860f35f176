"""The budget of calls a minute: never more calls than the burst and the permits that were added since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.budget import Bucket, Budget

START = datetime(2026, 1, 1, tzinfo=UTC)
BUDGET = Budget(600)
FULL = Bucket(1e9, START)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@given(
    st.floats(6, 6000),
    st.lists(st.tuples(st.floats(0, 30), st.integers(0, 100)), max_size=40),
)
def test_no_period_has_more_calls_than_the_burst_and_the_permits_added_in_it(
    per_minute: float, wanted: list[tuple[float, int]]
) -> None:
    budget, bucket, now_s = Budget(per_minute), FULL, 0.0
    made: list[tuple[float, int]] = []
    for wait_s, want in wanted:
        now_s += wait_s
        bucket = bucket.filled(budget, after(now_s))
        taken = min(want, bucket.whole(after(now_s)))
        bucket = bucket.spend(taken)
        made.append((now_s, taken))
    for number, (begun_s, _) in enumerate(made):
        for end in range(number, len(made)):
            total = sum(calls for _, calls in made[number : end + 1])
            assert total <= budget.burst + (made[end][0] - begun_s) / budget.every_s + 1e-6


def test_a_permit_is_added_when_the_wait_is_over() -> None:
    bucket = FULL.filled(BUDGET, START).spend(60)
    assert bucket.whole(START) == 0
    wait_s = bucket.wait_s(BUDGET, START)
    assert bucket.filled(BUDGET, after(wait_s)).whole(after(wait_s)) == 1
    assert bucket.filled(BUDGET, after(wait_s * 0.9)).whole(after(wait_s * 0.9)) == 0


def test_calls_beyond_the_burst_are_missing_later() -> None:
    bucket = FULL.filled(BUDGET, START).spend(70)
    assert bucket.filled(BUDGET, after(1.0)).whole(after(1.0)) == 0
    assert bucket.filled(BUDGET, after(1.1)).whole(after(1.1)) == 1


def test_no_call_is_made_and_no_permit_saved_while_the_provider_requests_a_pause() -> None:
    bucket = FULL.filled(BUDGET, START).block(after(7))
    assert bucket.wait_s(BUDGET, START) == 7
    assert bucket.filled(BUDGET, after(6.9)).whole(after(6.9)) == 0
    assert bucket.block(after(3)).wait_s(BUDGET, START) == 7, "a shorter wait does not end a longer one"
    late = after(7)
    assert bucket.filled(BUDGET, late).whole(late) <= BUDGET.burst


def test_each_caller_that_must_wait_gets_its_own_slot() -> None:
    bucket, slots = FULL.filled(BUDGET, START).spend(60), []
    for _ in range(5):
        bucket, wait_s = bucket.put_off(BUDGET, START)
        slots.append(round(wait_s, 6))
    assert slots == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_slots_that_have_passed_do_not_delay_later_callers() -> None:
    bucket, _ = FULL.filled(BUDGET, START).spend(60).put_off(BUDGET, START)
    bucket = bucket.filled(BUDGET, after(60)).spend(60)
    _, wait_s = bucket.put_off(BUDGET, after(60))
    assert round(wait_s, 6) == 0.1


@pytest.mark.parametrize("ahead_s", [61, 3600, 86_400 * 365])
def test_a_clock_that_was_ahead_and_is_set_back_delays_no_call(ahead_s: float) -> None:
    """The wait that was left by the wrong clock is the wait by the right clock, and no longer."""
    wrong = after(ahead_s)
    bucket = FULL.filled(BUDGET, wrong).spend(60)
    for _ in range(10):
        bucket, _ = bucket.put_off(BUDGET, wrong)
    bucket = bucket.filled(BUDGET, START)
    assert bucket.whole(START) == 0
    assert round(bucket.put_off(BUDGET, START)[1], 6) == 1.1
    assert bucket.filled(BUDGET, after(1)).whole(after(1)) == 10
    blocked = FULL.filled(BUDGET, wrong).block(wrong + timedelta(seconds=7)).filled(BUDGET, START)
    assert round(blocked.wait_s(BUDGET, START), 6) == 7


@pytest.mark.parametrize("late_s", [0.001, 1, 60])
def test_a_transaction_that_began_earlier_adds_no_permits(late_s: float) -> None:
    bucket = FULL.filled(BUDGET, after(60)).spend(60)
    assert bucket.filled(BUDGET, after(60 - late_s)).filled(BUDGET, after(60)).whole(after(60)) == 0


def test_a_clock_that_goes_back_adds_no_permits() -> None:
    bucket = FULL.filled(BUDGET, START).spend(60)
    assert bucket.filled(BUDGET, after(-100)).whole(after(-100)) == 0
