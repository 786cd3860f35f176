"""The sequencer: gives the events of all jobs their places in the activity of their accounts, after the commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.statements import execute


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


def lag_s(conn: Connection) -> float:
    """Return the age of the oldest committed event that has no position yet, in seconds; 0 if all have one."""
    [row] = execute(conn, "activity_lag", given={})
    return float(row.lag_s)
