"""Statements of credits: the ledger of an account or of one wallet, added up by time and by user, exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from db.records.ledger import Balance
from db.statements import statement
from statemachine.vocabulary import StatementInterval


@dataclass(frozen=True, slots=True)
class Sum:
    """The entries of one kind that took credits out of what is available (`is_out`), or did not."""

    kind: str
    is_out: bool
    credits: int
    entries: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a stretch of the ledger."""

    sums: Sequence[Sum] = ()

    def of(self, kind: str, *, is_out: bool | None = None) -> int:
        """Return the credits of a kind, of one direction or of both."""
        return sum(each.credits for each in self.sums if each.kind == kind and is_out in (None, each.is_out))

    @property
    def change(self) -> int:
        """By how much they changed what is available: a charge moves what was set aside before."""
        return sum(-each.credits if each.is_out else each.credits for each in self.sums if each.kind != "charge")

    @property
    def entries(self) -> int:
        """The number of entries."""
        return sum(each.entries for each in self.sums)

    @classmethod
    def added(cls, several: Iterable[Totals]) -> Totals:
        """Return what several add up to."""
        return cls([each for totals in several for each in totals.sums])


@dataclass(frozen=True, slots=True)
class Stretch:
    """The wallets and the time of a statement, [start, end). `user_ref` is None for all wallets of the account."""

    account_id: UUID
    start: datetime
    end: datetime
    user_ref: str | None = None


@dataclass(frozen=True, slots=True)
class UserTotals:
    """One wallet: its balance now, and what its entries add up to. `user_ref` is empty for the account's own."""

    user_ref: str
    balance: Balance
    totals: Totals = field(default_factory=Totals)


def totals_by_time(conn: Connection, wanted: Stretch, by: StatementInterval) -> dict[datetime, Totals]:
    """Return the totals of those intervals that have entries, by their beginnings."""
    given = {
        "account": wanted.account_id,
        "user": wanted.user_ref,
        "from": wanted.start,
        "to": wanted.end,
        "by": by.value,
    }
    rows = conn.execute(statement("credit_totals"), given).all()
    return {start: Totals([_sum(row) for row in of_it]) for start, of_it in groupby(rows, lambda row: row.starts_at)}


def totals_by_user(conn: Connection, wanted: Stretch, after: str | None, most: int) -> list[UserTotals]:
    """Return the next wallets of the account in the order of their users, that of the account itself first."""
    given = {
        "account": wanted.account_id,
        "after": after,
        "from": wanted.start,
        "to": wanted.end,
        "most": most,
    }
    rows = conn.execute(statement("credit_totals_of_users"), given).all()
    return [_of_user(list(of_it)) for _, of_it in groupby(rows, lambda row: row.user_ref)]


def _of_user(rows: Sequence[Any]) -> UserTotals:
    first = rows[0]
    sums = [_sum(row) for row in rows if row.kind is not None]
    return UserTotals(first.user_ref, Balance(first.available, first.held), Totals(sums))


def _sum(row: Any) -> Sum:
    return Sum(row.kind, row.is_out, row.credits, row.entries)
