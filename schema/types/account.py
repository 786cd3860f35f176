"""Accounts, as they see themselves and as support sees them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from db.records.accounts import Account as AccountRecord
from db.records.accounts import AccountFilter as Wanted
from db.records.ledger import WalletKey
from jobs.usage_limits import limits_of_account
from schema.context import Info
from schema.fields import field
from schema.ids import IdKind, encode_id
from schema.scalars import BigInt
from schema.types.credit_balance import CreditBalance
from schema.types.credit_limits import SpendCap
from schema.types.node import Node
from schema.types.suspension import Suspension, find_suspension
from schema.types.usage_limit import UsageLimit


@strawberry.type(description="An account: a partner with its keys, its end users and its credits.")
class Account(Node):
    wallet: strawberry.Private[WalletKey]
    name: str = strawberry.field(description="Its name, which no other account has.")
    jobs_at_once: int | None = strawberry.field(
        description="How many of its jobs may be at the provider at once; null for any number."
    )
    created_at: datetime = strawberry.field(description="When it was created.")
    is_test: bool = strawberry.field(
        description="True for the test account beside an account, to which its test keys belong."
    )

    @classmethod
    def of(cls, record: AccountRecord) -> Account:
        """Return the account of a record."""
        return cls(
            id=strawberry.ID(encode_id(IdKind.ACCOUNT, record.id)),
            wallet=WalletKey(record.id),
            name=record.name,
            jobs_at_once=record.jobs_at_once,
            created_at=record.created_at,
            is_test=record.is_test,
        )

    @field("Its suspension by support; null while it is not suspended.")
    async def suspension(self, info: Info) -> Suspension | None:
        return await find_suspension(info, self.wallet)

    @field("Its own credits; each end user has others.")
    async def credits(self, info: Info) -> CreditBalance:
        return CreditBalance.of(await info.context.loaders.balances.load(self.wallet))

    @field("The cap of what it and its users spend in a day; null without a cap.")
    async def spend_cap(self, info: Info) -> SpendCap | None:
        return SpendCap.of(await info.context.loaders.credit_limits.load(self.wallet.account_id))

    @field("What it and its users may have at a time, all together, or do in an hour, and what they use of it.")
    async def limits(self, info: Info) -> list[UsageLimit]:
        return await limits_of(info, self.wallet.account_id)

    @field("The account is notified when its own balance falls below this; null without a mark.")
    async def low_balance_mark(self, info: Info) -> BigInt | None:
        limits = await info.context.loaders.credit_limits.load(self.wallet.account_id)
        return None if limits is None or limits.low_balance_mark is None else BigInt(limits.low_balance_mark)


async def limits_of(info: Info, account_id: UUID) -> list[UsageLimit]:
    """Return the limits of an account that the caller may see."""
    return [UsageLimit.of(each) for each in await info.context.database.read(limits_of_account, account_id)]


async def find_account(info: Info, account_id: UUID) -> Account | None:
    """Return the account if the caller may see it: a session sees none."""
    found = await info.context.loaders.accounts.load(account_id)
    return None if found is None else Account.of(found)


@strawberry.input(description="All given conditions must hold.")
class AccountFilter:
    name: str | None = strawberry.field(default=None, description="The account of exactly this name.")
    name_contains: str | None = strawberry.field(
        default=None, description="Accounts with this text in their names, in any case."
    )

    def wanted(self) -> Wanted:
        """Return the filter as the read takes it."""
        return Wanted(self.name, self.name_contains)
