"""The provider's time goes on from its last answer, for as long as this machine's own clocks can be trusted with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from db.elapsed import Instant
from jobs.providers.clock import ProviderClock

TOLD = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("passed", "now"),
    [
        (Instant(0, 0, 0), TOLD),
        (Instant(20, 20, -3600), TOLD + timedelta(seconds=20)),  # the wall clock was set back
        (Instant(61, 61, 61), None),
        (Instant(1, 3600, 3600), None),  # the machine has slept
    ],
)
def test_the_time_is_known_until_it_was_told_too_long_ago(passed: Instant, now: datetime | None) -> None:
    instants = iter((Instant(0, 0, 0), passed))
    clock = ProviderClock(lambda: next(instants))
    clock.observe("Sat, 21 Nov 2026 08:00:00 GMT")
    assert clock.now() == now


@pytest.mark.parametrize("date", [None, "", "soon", "Sat, 21 Nov 2026 08:00:00 -0000"])
def test_an_answer_that_tells_no_time_changes_nothing(date: str | None) -> None:
    clock = ProviderClock()
    clock.observe(date)
    assert clock.now() is None
