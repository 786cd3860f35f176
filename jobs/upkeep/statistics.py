"""The periodic task that keeps the statistics of jobs."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine

from db.records.statistics import purge_hours, roll_up

# A quarter and a bit: enough to compare hours with those of a season ago.
HOURS_KEPT_FOR = timedelta(days=100)


def keep_statistics(engine: Engine) -> int:
    """Count the jobs that have ended since the last run, drop old hours, and return how many have ended.

    Safe to run concurrently.
    """
    with engine.begin() as conn:
        ended = roll_up(conn)
        purge_hours(conn, HOURS_KEPT_FOR)
    return ended
