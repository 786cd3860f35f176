"""The sequencer: gives the events of all jobs their places in the activity of their accounts, after the commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from db.statements import execute

# All of the history is read and changed, with the plans for that.
_UNLIMITED = """
SELECT set_config('statement_timeout', '0', true), set_config('enable_seqscan', 'on', true),
       set_config('enable_hashjoin', 'on', true), set_config('diorama.erasing', 'on', true)
"""


@dataclass(frozen=True, slots=True)
class Sequenced:
    """An account with new entries, and the position of the last of them."""

    account_id: UUID
    position: int


def sequence(conn: Connection) -> Sequence[Sequenced]:
    """Append what has been committed since the last run to the activity of each account; return the accounts.

    Call it in a transaction of its own, without a limit on its time: after a long pause it reads all that was missed,
    and must not be cut off each time. Any number of processes may call it at once: one waits for the other, and nothing
    is missed or repeated, whether a run commits or not.
    """
    return [Sequenced(*row) for row in execute(conn, "sequence_activity", given={})]


def adopt(conn: Connection) -> int | None:
    """Make the history of another server this one's, if a dump brought it here; return how many events had no position.

    None on the server of the last run. Transaction ids of two servers cannot be compared: without this, new events
    would pass for old ones. Call it in a transaction of its own before the first `sequence`. It reads the
    whole history, but only once.
    """
    conn.execute(text(_UNLIMITED))
    rows = execute(conn, "renumber_history", given={})
    return int(rows[0].missing) if rows else None


def lag_s(conn: Connection) -> float:
    """Return the age of the oldest committed event that has no position yet, in seconds; 0 if all have one."""
    [row] = execute(conn, "activity_lag", given={})
    return float(row.lag_s)
