"""The periodic tasks that keep the statistics of jobs and of credits."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine

from db.records.statistics import purge_hours, roll_up
from db.upkeep.credit_statistics import count_credits

# A quarter and a bit: enough to compare hours with those of a season ago.
HOURS_KEPT_FOR = timedelta(days=100)
# Entries of the ledger that one transaction counts, in about a second.
_COUNTED_MOST = 200_000


def keep_statistics(engine: Engine) -> int:
    """Count the jobs that have ended since the last run, drop old hours, and return how many have ended.

    Safe to run concurrently.
    """
    with engine.begin() as conn:
        ended = roll_up(conn)
        purge_hours(conn, HOURS_KEPT_FOR)
    return ended


def keep_credit_statistics(engine: Engine, most: int = _COUNTED_MOST) -> None:
    """Count the entries of the ledger that have become final since the last run. Safe to run concurrently."""
    while True:
        with engine.begin() as conn:
            goes_on = count_credits(conn, most)
        if not goes_on:
            return
