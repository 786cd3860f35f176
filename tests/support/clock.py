"""Moves the database's clock, which decides leases, due times and retention."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine, text


def move_clock(engine: Engine, by: timedelta) -> None:
    """Set the clock of the test's database ahead by this much, for every connection that is opened from now on."""
    with engine.begin() as conn:
        name = conn.scalar(text("SELECT quote_ident(current_database())"))
        conn.execute(text(f"ALTER DATABASE {name} SET diorama.clock_offset = '{by.total_seconds()} seconds'"))
    engine.dispose()
