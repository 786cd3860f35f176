"""The sequencer: gives the events of all jobs their places in the activity of their accounts, after the commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.statements import execute


@dataclass(frozen=True, slots=True)
class Sequenced:
    """The new entries of one account: how many, the position of the last, and the age of the oldest in seconds."""

    account_id: UUID
    position: int
    entries: int
    oldest_s: float


def sequence(conn: Connection) -> Sequence[Sequenced]:
    """Append what has been committed since the last run to the activity of each account; return the accounts.

    Call it in a transaction of its own. Any number of processes may: one waits for the other, and nothing is missed or
    repeated, whether a run commits or not.
    """
    [locked] = execute(conn, "lock_sequencer", given={})
    return [Sequenced(*row) for row in execute(conn, "sequence_activity", given={"seen": locked.seen})]
