"""The provider's time is extrapolated from its last response, as long as this machine's clocks can be trusted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from db.elapsed import Instant
from jobs.providers.clock import ProviderClock

DATE = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("passed", "now"),
    [
        (Instant(0, 0, 0), DATE),
        (Instant(20, 20, -3600), DATE + timedelta(seconds=20)),  # the wall clock was set back
        (Instant(61, 61, 61), None),
        (Instant(1, 3600, 3600), None),  # the machine has slept
    ],
)
def test_the_time_is_known_until_the_last_date_is_too_old(passed: Instant, now: datetime | None) -> None:
    instants = iter((Instant(0, 0, 0), passed))
    clock = ProviderClock(lambda: next(instants))
    clock.observe("Sat, 21 Nov 2026 08:00:00 GMT")
    assert clock.now() == now


@pytest.mark.parametrize("date", [None, "", "soon", "Sat, 21 Nov 2026 08:00:00 -0000"])
def test_a_response_without_a_date_changes_nothing(date: str | None) -> None:
    clock = ProviderClock()
    clock.observe(date)
    assert clock.now() is None
