"""Counting the ledger into the statistics of credits."""

from __future__ import annotations

from sqlalchemy import Connection, text

from db.statements import statement


def count_credits(conn: Connection, most: int) -> bool:
    """Count what has become final, at most `most` entries; return whether more can be counted at once.

    Each entry is counted once, however late its transaction commits. Two calls at once wait for each other.
    """
    conn.execute(text("SELECT FROM credit_statistics_reader FOR UPDATE"))
    row = conn.execute(statement("count_credits"), {"most": most}).one_or_none()
    return row is not None and row.marked_upto - row.counted_upto >= most
