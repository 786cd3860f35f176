"""The breaker: opens after a run of failures, admits one probe, closes after a success, and waits longer each time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.breaker import Breaker, BreakerPolicy
from statemachine.vocabulary import BreakerCause, BreakerState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = BreakerPolicy(failures_max=3, outage_s=5, account_s=60, doublings_max=2, probe_s=30)


def failing(
    breaker: Breaker, times: int = 1, cause: BreakerCause = BreakerCause.OUTAGE, now: datetime = NOW
) -> Breaker:
    for _ in range(times):
        breaker = breaker.failed(now, cause, "why", POLICY)
    return breaker


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_failures_with_a_success_between_them_open_nothing() -> None:
    breaker = failing(failing(Breaker(), 2).succeeded(), 2)
    assert breaker.most(NOW) is None


def test_a_run_of_failures_stops_submissions() -> None:
    breaker = failing(Breaker(), 3)
    assert breaker.state is BreakerState.OPEN
    assert (breaker.most(at(4.9)), breaker.wait_s(NOW)) == (0, 5.0)


def test_an_account_error_stops_submissions_at_once() -> None:
    breaker = failing(Breaker(), 1, BreakerCause.ACCOUNT)
    assert (breaker.state, breaker.wait_s(NOW)) == (BreakerState.OPEN, 60.0)


def test_after_the_pause_one_submission_is_admitted_as_a_probe() -> None:
    breaker = failing(Breaker(), 3)
    assert breaker.most(at(5)) == 1
    probing = breaker.probing(at(5), POLICY)
    assert probing.state is BreakerState.HALF_OPEN
    assert probing.most(at(5)) == 0


def test_the_success_of_the_probe_closes_the_breaker() -> None:
    assert failing(Breaker(), 3).probing(at(5), POLICY).succeeded() == Breaker()


def test_the_failure_of_a_probe_begins_a_longer_pause_up_to_a_limit() -> None:
    breaker, pauses, now = failing(Breaker(), 3), [], NOW
    for _ in range(4):
        pauses.append(breaker.wait_s(now))
        now += timedelta(seconds=breaker.wait_s(now))
        breaker = failing(breaker.probing(now, POLICY), 1, now=now)
    assert pauses == [5, 10, 20, 20]
    assert breaker.opened_at == NOW


def test_a_probe_without_a_result_is_replaced() -> None:
    probing = failing(Breaker(), 3).probing(at(5), POLICY)
    assert probing.most(at(35)) == 1


def test_a_submission_from_before_the_pause_neither_prolongs_nor_ends_it() -> None:
    breaker = failing(Breaker(), 3)
    assert failing(breaker, 5, now=at(4)) == breaker
    assert breaker.succeeded() == breaker


def test_a_probe_that_was_never_sent_makes_room_for_the_next_but_shortens_no_pause() -> None:
    breaker = failing(Breaker(), 1, BreakerCause.ACCOUNT)
    assert breaker.never_sent(at(1)) == breaker
    assert breaker.probing(at(60), POLICY).never_sent(at(61)).most(at(61)) == 1
    assert Breaker().never_sent(NOW) == Breaker()


@pytest.mark.parametrize(
    ("breaker", "ahead_s", "most"),
    [
        (failing(Breaker(), 3), 0, 0),
        (failing(Breaker(), 3), 60, 0),
        (failing(Breaker(), 3), 61, 1),
        (failing(Breaker(), 1, BreakerCause.ACCOUNT), 60, 0),
        (failing(Breaker(), 1, BreakerCause.ACCOUNT), 86_400, 1),
        (failing(Breaker(), 3).probing(NOW, POLICY), 60, 0),
        (failing(Breaker(), 3).probing(NOW, POLICY), 61, 1),
        (Breaker(), 86_400, None),
    ],
)
def test_a_pause_that_began_by_a_clock_far_ahead_is_over(breaker: Breaker, ahead_s: float, most: int | None) -> None:
    """Otherwise it would last as long as the clock was ahead. A small difference between two clocks ends no pause."""
    right = at(-ahead_s)
    assert breaker.by_clock_at(right, POLICY).most(right) == most


def test_an_account_error_of_a_prediction_is_over_when_a_prediction_succeeds() -> None:
    """The provider still accepts submissions then, so an accepted one proves nothing."""
    breaker = Breaker().spoiled(NOW, "(E001)", POLICY)
    assert (breaker.state, breaker.cause, breaker.wait_s(NOW)) == (BreakerState.OPEN, BreakerCause.ACCOUNT, 60.0)
    assert breaker.delivered() == breaker, "it was begun before"
    probing = breaker.probing(at(60), POLICY)
    assert probing.succeeded() == probing
    assert probing.most(at(60 + POLICY.probe_s)) == 1, "another probe, if the end of the first takes long"
    again = probing.spoiled(at(70), "(E001)", POLICY)
    assert (again.wait_s(at(70)), again.opened_at) == (120.0, NOW)
    assert again.probing(at(190), POLICY).delivered() == Breaker()


def test_an_outage_of_submissions_is_not_over_when_an_earlier_prediction_succeeds() -> None:
    probing = failing(Breaker(), 3).probing(at(5), POLICY)
    assert probing.delivered() == probing
    assert failing(Breaker(), 2).delivered() == failing(Breaker(), 2)


def test_an_account_error_during_an_outage_takes_over_the_breaker() -> None:
    breaker = failing(failing(Breaker(), 3), 1, BreakerCause.ACCOUNT)
    assert (breaker.cause, breaker.wait_s(NOW)) == (BreakerCause.ACCOUNT, 60.0)


@given(st.lists(st.sampled_from(["ok", "outage", "account", "probe", "time"]), max_size=40))
def test_the_breaker_never_stays_open_forever(events: list[str]) -> None:
    breaker, now = Breaker(), NOW
    for event in events:
        match event:
            case "ok":
                breaker = breaker.succeeded()
            case "probe":
                breaker = breaker.probing(now, POLICY) if breaker.most(now) else breaker
            case "time":
                now += timedelta(seconds=20)
            case cause:
                breaker = failing(breaker, 1, BreakerCause(cause), now)
        assert (breaker.until is None) == (breaker.state is BreakerState.CLOSED) == (breaker.cause is None)
        wait_s = breaker.wait_s(now)
        assert wait_s <= 240
        assert breaker.most(now + timedelta(seconds=wait_s)) != 0
