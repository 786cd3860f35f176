"""Statements of credits, as partners see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

import strawberry

from db.records.credit_statements import Stretch, Totals, UserTotals
from schema.errors import BAD_USER_INPUT, ApiError
from schema.ids import IdKind, encode_id
from schema.scalars import URL, BigInt
from schema.types.credit_balance import CreditBalance
from statemachine.vocabulary import StatementInterval

ROWS_MAX = 200
STATEMENT_PATH = "/credits/statement.csv"
_HOUR = timedelta(hours=1)


@strawberry.type(description="What ledger entries add up to. `change` is what they did to the available credits.")
class CreditTotals:
    granted: BigInt = strawberry.field(description="Credits that were created.")
    transferred_in: BigInt = strawberry.field(description="Transferred to the wallets.")
    transferred_out: BigInt = strawberry.field(
        description="Transferred from the wallets. In all wallets of an account it is as much as came in."
    )
    adjusted: BigInt = strawberry.field(description="Corrections by support; negative if more was removed.")
    held: BigInt = strawberry.field(description="Held for jobs.")
    released: BigInt = strawberry.field(description="Returned, because jobs did not succeed.")
    charged: BigInt = strawberry.field(description="Charged for jobs that succeeded, of the held credits.")
    refunded: BigInt = strawberry.field(description="Returned after they were charged.")
    spent: BigInt = strawberry.field(description="What was charged, less what was refunded.")
    change: BigInt = strawberry.field(description="The change of the available credits.")
    entries: BigInt = strawberry.field(description="The number of ledger entries.")

    @classmethod
    def of(cls, totals: Totals) -> CreditTotals:
        """Return the totals of a record."""
        return cls(**{name: BigInt(value) for name, value in amounts(totals).items()})


def amounts(totals: Totals) -> dict[str, int]:
    """Return the totals by the names of their fields; the columns of a CSV have the same."""
    charged, refunded = totals.of("charge"), totals.of("refund")
    return {
        "granted": totals.of("grant"),
        "transferred_in": totals.of("transfer", is_out=False),
        "transferred_out": totals.of("transfer", is_out=True),
        "adjusted": totals.of("adjust", is_out=False) - totals.of("adjust", is_out=True),
        "held": totals.of("hold"),
        "released": totals.of("release"),
        "charged": charged,
        "refunded": refunded,
        "spent": charged - refunded,
        "change": totals.change,
        "entries": totals.entries,
    }


@strawberry.type(description="One interval of a statement.")
class CreditStatementRow:
    starts_at: datetime = strawberry.field(description="When it begins, in UTC.")
    totals: CreditTotals = strawberry.field(description="What its ledger entries add up to.")


@strawberry.type(description="The ledger from one time to another, exclusive, added up.")
class CreditStatement:
    rows: list[CreditStatementRow] = strawberry.field(
        description="Every interval, the oldest first, also those without entries."
    )
    totals: CreditTotals = strawberry.field(description="What the rows add up to.")
    csv_url: URL | None = strawberry.field(
        description="The rows as CSV: a GET with the same `Authorization`. Null if the server does not know its "
        "address."
    )


@strawberry.type(description="One wallet in a statement: of an end user, or the account's own.")
class UserCredits:
    user_ref: str | None = strawberry.field(
        description="The end user, after a deletion by the pseudonym; null for the account itself."
    )
    balance: CreditBalance = strawberry.field(description="What the wallet has now.")
    totals: CreditTotals = strawberry.field(description="What its ledger entries of the time add up to.")

    @classmethod
    def of(cls, record: UserTotals) -> UserCredits:
        """Return the wallet of a record."""
        return cls(
            user_ref=record.user_ref or None,
            balance=CreditBalance.of(record.balance),
            totals=CreditTotals.of(record.totals),
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement that a caller requests: by time, or by user where `by` is None."""

    stretch: Stretch
    by: StatementInterval | None

    def csv_url(self, base_url: str | None, *, names_account: bool) -> URL | None:
        """Return the address of the statement as CSV; only support has to name the account."""
        if base_url is None:
            return None
        given = {
            "by": "user" if self.by is None else self.by.value,
            "from": _written(self.stretch.start),
            "to": _written(self.stretch.end),
        }
        given |= {"account": encode_id(IdKind.ACCOUNT, self.stretch.account_id)} if names_account else {}
        given |= {} if self.stretch.user_ref is None else {"userRef": self.stretch.user_ref}
        return URL(f"{base_url}{STATEMENT_PATH}?{urlencode(given)}")


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stretch_of(start: datetime, end: datetime, account_id: UUID, user_ref: str | None) -> Stretch:
    """Return the stretch of a statement; raise ApiError unless both times are whole hours in order."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if not (_begins(start, StatementInterval.HOUR) and _begins(end, StatementInterval.HOUR) and start < end):
        raise ApiError(BAD_USER_INPUT, "`from` and `to` must be whole hours, with `to` after `from`.")
    # The calendar of Python ends with the year after.
    if end.year >= MAXYEAR:
        raise ApiError(BAD_USER_INPUT, f"`to` must be before the year {MAXYEAR}.")
    return Stretch(account_id, start, end, user_ref)


def intervals_of(stretch: Stretch, by: StatementInterval) -> list[datetime]:
    """Return when each interval begins; raise ApiError unless there are 1 to ROWS_MAX whole ones."""
    if not (_begins(stretch.start, by) and _begins(stretch.end, by)):
        message = f"`from` and `to` must be the beginnings of a {by.value} in UTC."
        raise ApiError(BAD_USER_INPUT, message)
    found = [stretch.start]
    while (following := _after(found[-1], by)) < stretch.end:
        found.append(following)
        if len(found) > ROWS_MAX:
            raise ApiError(BAD_USER_INPUT, f"A statement has at most {ROWS_MAX} intervals: ask for fewer.")
    return found


def _begins(at: datetime, by: StatementInterval) -> bool:
    whole = at.minute == at.second == at.microsecond == 0
    return (
        whole and (by is StatementInterval.HOUR or at.hour == 0) and (by is not StatementInterval.MONTH or at.day == 1)
    )


def _after(at: datetime, by: StatementInterval) -> datetime:
    if by is StatementInterval.MONTH:
        return at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)
    return at + (_HOUR if by is StatementInterval.HOUR else 24 * _HOUR)
