"""Moving the database's clock, which leases, due times and retention go by."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine, text


def move_clock(engine: Engine, by: timedelta) -> None:
    """Have the clock of the test's database run ahead by so much, for every connection that is made from now on."""
    with engine.begin() as conn:
        name = conn.scalar(text("SELECT quote_ident(current_database())"))
        conn.execute(text(f"ALTER DATABASE {name} SET diorama.clock_offset = '{by.total_seconds()} seconds'"))
    engine.dispose()
