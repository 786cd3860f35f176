"""Moves the database's clock, which decides leases, due times and retention, or what it is compared with."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine, text


def move_clock(engine: Engine, by: timedelta) -> None:
    """Set the clock of the test's database ahead by this much, for every connection that is opened from now on."""
    with engine.begin() as conn:
        name = conn.scalar(text("SELECT quote_ident(current_database())"))
        conn.execute(text(f"ALTER DATABASE {name} SET diorama.clock_offset = '{by.total_seconds()} seconds'"))
    engine.dispose()


def make_due(engine: Engine) -> None:
    """End every lease, and make everything due that waits for a time."""
    with engine.begin() as conn:
        conn.execute(_MAKE_DUE)


_MAKE_DUE = text(
    "UPDATE jobs SET due_at = least(due_at, diorama_now()), lease_expires_at = "
    "CASE WHEN lease_expires_at IS NOT NULL THEN diorama_now() - interval '1 second' END "
    "WHERE finished_at IS NULL AND state <> 'waiting' AND due_at < '9000-01-01'"
)
