"""Credits: an append-only ledger of double entries, and the wallets that Postgres keeps from it.

A wallet belongs to an account (`user_ref` is empty) or to one end user of it. Each entry moves an amount between two
buckets of a wallet: issued, available, held, spent. What the rules are is in the migration; here is what is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, insert, select, tuple_

from db.paging import Page, Window, fetch_page
from db.scope import Scope
from db.statements import statement
from db.tables import ledger_entries, wallets


@dataclass(frozen=True, slots=True, order=True)
class WalletKey:
    """The owner of credits: an account itself, or one of its end users."""

    account_id: UUID
    user_ref: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """The credits of a wallet: free to use, and held for jobs that have not ended."""

    available: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry: `amount` credits went from one bucket to another. `of_id` is the entry that it settles or undoes."""

    id: int
    account_id: UUID
    user_ref: str
    kind: str
    job_id: UUID | None
    cycle: int | None
    amount: int
    debit_bucket: str
    credit_bucket: str
    of_id: int | None
    actor: str
    reason: str | None
    at: datetime

    @classmethod
    def from_row(cls, row: Any) -> LedgerEntry:
        """Return the entry of a row of the table."""
        return cls(*(getattr(row, field.name) for field in fields(cls)))

    @property
    def change(self) -> int:
        """By how much it changed what is available."""
        return self.amount * ((self.credit_bucket == "available") - (self.debit_bucket == "available"))


@dataclass(frozen=True, slots=True)
class JobCredits:
    """The credits held for a job, charged and refunded, over all its cycles."""

    held: int = 0
    charged: int = 0
    refunded: int = 0


def balance_of(conn: Connection, wallet: WalletKey) -> Balance:
    """Return what a wallet has; one that was never used has nothing."""
    return balances_of(conn, [wallet])[wallet]


def balances_of(conn: Connection, wanted: Collection[WalletKey]) -> dict[WalletKey, Balance]:
    """Return what each wallet has."""
    keys = tuple_(wallets.c.account_id, wallets.c.user_ref).in_([(key.account_id, key.user_ref) for key in wanted])
    rows = conn.execute(select(wallets).where(keys))
    found = {WalletKey(row.account_id, row.user_ref): Balance(row.available, row.held) for row in rows}
    return {key: found.get(key, Balance()) for key in wanted}


def lock_balance(conn: Connection, wallet: WalletKey) -> Balance:
    """Return what a wallet has, and keep others from moving it until the transaction ends."""
    row = conn.execute(
        select(wallets.c.available, wallets.c.held)
        .where(wallets.c.account_id == wallet.account_id, wallets.c.user_ref == wallet.user_ref)
        .with_for_update()
    ).one_or_none()
    return Balance() if row is None else Balance(row.available, row.held)


def lock_jobs_paid_by(conn: Connection, wallet: WalletKey) -> int:
    """Return for how many jobs credits of a wallet are held, and keep others from moving it like `lock_balance`."""
    query = _jobs_of(wallet).with_for_update()
    return conn.scalar(query) or 0


def jobs_paid_by(conn: Connection, wallet: WalletKey) -> int:
    """Return for how many jobs credits of a wallet are held."""
    return conn.scalar(_jobs_of(wallet)) or 0


def _jobs_of(wallet: WalletKey) -> Select[tuple[int]]:
    here = (wallets.c.account_id == wallet.account_id, wallets.c.user_ref == wallet.user_ref)
    return select(wallets.c.jobs).where(*here)


def lock_wallets(conn: Connection, keys: Iterable[WalletKey]) -> None:
    """Keep others from moving the credits of several wallets until the transaction ends."""
    named = [(key.account_id, key.user_ref) for key in set(keys)]
    conn.execute(
        select(wallets.c.account_id)
        .where(tuple_(wallets.c.account_id, wallets.c.user_ref).in_(named))
        .order_by(wallets.c.account_id, wallets.c.user_ref)
        .with_for_update()
    )


def post_entry(
    conn: Connection,
    wallet: WalletKey,
    kind: str,
    change: int,
    *,
    actor: str,
    reason: str | None = None,
    resource_id: UUID | None = None,
) -> LedgerEntry:
    """Write a grant, transfer or adjustment that changes what is available by `change`, which is not zero.

    `resource_id` is that of the request's idempotency key, where it has one. IntegrityError `wallets_not_overdrawn`
    where that would be less than nothing.
    """
    buckets = ("issued", "available") if change > 0 else ("available", "issued")
    row = conn.execute(
        insert(ledger_entries)
        .values(
            account_id=wallet.account_id,
            user_ref=wallet.user_ref,
            kind=kind,
            amount=abs(change),
            debit_bucket=buckets[0],
            credit_bucket=buckets[1],
            actor=actor,
            reason=reason,
            resource_id=resource_id,
        )
        .returning(ledger_entries)
    ).one()
    return LedgerEntry.from_row(row)


def entries_made_by(conn: Connection, resource_id: UUID) -> list[LedgerEntry]:
    """Return the entries that a request with an idempotency key wrote, in their order."""
    query = select(ledger_entries).where(ledger_entries.c.resource_id == resource_id).order_by(ledger_entries.c.id)
    return [LedgerEntry.from_row(row) for row in conn.execute(query)]


def refund_job(conn: Connection, job_id: UUID, *, actor: str, reason: str, resource_id: UUID) -> int:
    """Refund what a locked job was charged and did not get back, and return how many credits that is; 0 for none."""
    given = {"job": job_id, "actor": actor, "reason": reason, "resource": resource_id}
    return sum(conn.scalars(statement("refund_job"), given))


def hold_credits(conn: Connection, job_ids: Sequence[UUID], *, actor: str) -> None:
    """Hold what these jobs cost in their present cycle; IntegrityError `wallets_not_overdrawn` where it is too much."""
    conn.execute(statement("hold_credits"), {"jobs": list(job_ids), "actor": actor})


def settle_credits(conn: Connection, *, succeeded: Sequence[UUID], ended: Sequence[UUID]) -> None:
    """Charge what succeeded; release or refund what ended otherwise. Calling it twice settles nothing more."""
    conn.execute(statement("settle_credits"), {"succeeded": list(succeeded), "ended": list(ended)})


def credits_of_jobs(conn: Connection, job_ids: Collection[UUID]) -> dict[UUID, JobCredits]:
    """Return what each job holds, was charged and got back. The caller has checked who may see the jobs."""
    e = ledger_entries.c
    total = {
        kind: func.coalesce(func.sum(e.amount).filter(e.kind == kind), 0).label(kind)
        for kind in ("hold", "charge", "release", "refund")
    }
    rows = conn.execute(select(e.job_id, *total.values()).where(e.job_id.in_(job_ids)).group_by(e.job_id))
    return {
        row.job_id: JobCredits(int(row.hold - row.charge - row.release), int(row.charge), int(row.refund))
        for row in rows
    }


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """A filter of entries; a field that is None or empty does not filter."""

    kinds: Collection[str] = ()
    user_ref: str | None = None
    job_id: UUID | None = None


def entry_page(conn: Connection, scope: Scope, wanted: EntryFilter, window: Window) -> Page[LedgerEntry]:
    """Return one page of the entries that the scope may see, newest first; the key is (id,)."""
    e = ledger_entries.c
    query = select(ledger_entries)
    query = query if scope.account_id is None else query.where(e.account_id == scope.account_id)
    query = query if scope.user_ref is None else query.where(e.user_ref == scope.user_ref)
    query = query if wanted.user_ref is None else query.where(e.user_ref == wanted.user_ref)
    query = query if wanted.job_id is None else query.where(e.job_id == wanted.job_id)
    query = query.where(e.kind.in_(wanted.kinds)) if wanted.kinds else query
    return fetch_page(conn, query, (e.id,), window, LedgerEntry.from_row, descending=True)


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Something in the ledger that does not add up: a wallet (by its account's id) or a job."""

    what: str
    id: UUID
    why: str


def ledger_discrepancies(conn: Connection) -> list[Discrepancy]:
    """Return everything that does not add up: nothing, unless the rules of the ledger were broken."""
    return [Discrepancy(row.what, row.id, row.why) for row in conn.execute(statement("ledger_discrepancies"))]
