"""Credits: the entries of the ledger."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db.records.ledger import EntryFilter, LedgerEntry
from jobs.identity import Principal
from schema.context import Info
from schema.fields import field
from schema.ids import IdKind, decode_id
from schema.scalars import BigInt
from schema.types.account import Account, find_account
from schema.types.enums import CreditBucket, CreditEntryKind
from schema.types.filters import each_of
from schema.types.job import Job


@strawberry.type(description="One ledger entry: an amount moved from one bucket of a wallet to another.")
class CreditEntry:
    record: strawberry.Private[LedgerEntry]
    kind: CreditEntryKind = strawberry.field(description="Why the credits moved.")
    amount: BigInt = strawberry.field(description="The credits that moved; always positive.")
    change: BigInt = strawberry.field(
        description="The change of the available credits: negative if they became fewer, 0 if they stayed."
    )
    from_bucket: CreditBucket = strawberry.field(description="The bucket that the credits left.")
    to_bucket: CreditBucket = strawberry.field(description="The bucket that the credits entered.")
    user_ref: str | None = strawberry.field(description="The end user who owns the credits; null for the account.")
    cycle: int | None = strawberry.field(
        description="The cycle of the job, counted from 0; each redrive begins another. Null without a job."
    )
    actor: str = strawberry.field(description="The actor: worker, api, command line or support.")
    reason: str | None = strawberry.field(
        description="The actor's reason: visible to support, and to a partner for its own transfers."
    )
    at: datetime = strawberry.field(description="When it was written; entries never change.")

    @classmethod
    def of(cls, record: LedgerEntry, *, reader: Principal) -> CreditEntry:
        """Return the entry of a record; what names staff, or is a note of theirs, is shown to support only."""
        is_own = reader.session is None and record.actor == reader.actor
        return cls(
            record=record,
            kind=CreditEntryKind(record.kind),
            amount=BigInt(record.amount),
            change=BigInt(record.change),
            from_bucket=CreditBucket(record.debit_bucket),
            to_bucket=CreditBucket(record.credit_bucket),
            user_ref=record.user_ref or None,
            cycle=record.cycle,
            actor=record.actor if reader.is_support else record.actor.partition(":")[0],
            reason=record.reason if reader.is_support or is_own else None,
            at=record.at,
        )

    @field("The account whose credits moved, or an end user's of it; null for a session.")
    async def account(self, info: Info) -> Account | None:
        return await find_account(info, self.record.account_id)

    @field("The job that the credits paid for; null for a grant, a transfer or an adjustment, and for a removed job.")
    async def job(self, info: Info) -> Job | None:
        if self.record.job_id is None:
            return None
        found = await info.context.loaders.jobs.load(self.record.job_id)
        return None if found is None else Job.of(found)


@strawberry.input(description="All given conditions must hold.")
class CreditEntryFilter:
    kinds: list[CreditEntryKind] | None = strawberry.field(default=None, description="Entries of one of these kinds.")
    account: strawberry.ID | None = strawberry.field(
        default=None, description="Entries of this account; for support, who must give it together with `userRef`."
    )
    user_ref: str | None = strawberry.field(default=None, description="Entries of this end user's credits.")
    job_id: strawberry.ID | None = strawberry.field(default=None, description="The entries of this job.")

    def wanted(self) -> EntryFilter:
        """Return the filter as the reads take it; raise ApiError or MalformedId for a value that makes no sense."""
        job_id = None if self.job_id is None else decode_id(self.job_id, IdKind.JOB)
        return EntryFilter(each_of("kinds", self.kinds, str), self.user_ref, job_id)
