"""Mutations that grant and adjust credits."""

from __future__ import annotations

import strawberry

from jobs.requesting.credits import GrantRequest, adjust_credits, grant_credits
from schema.context import Info
from schema.fields import mutation
from schema.scalars import BigInt
from schema.types.credits import CreditBalance, CreditEntry
from schema.types.errors import UserError


@strawberry.input
class GrantCreditsInput:
    amount: BigInt = strawberry.field(description="1 to 1000000000.")
    idempotency_key: str = strawberry.field(description="1 to 255 characters. The same key grants only once.")
    user_ref: str | None = strawberry.field(
        default=None, description="The end user who receives the credits from your account. Support may omit it."
    )
    account: str | None = strawberry.field(default=None, description="For support: the name of the account.")
    reason: str | None = strawberry.field(default=None, description="At most 500 characters, kept with the entry.")


@strawberry.type
class GrantCreditsPayload:
    balance: CreditBalance | None = None
    replayed: bool = strawberry.field(
        default=False, description="True if the key was used before; no more credits were granted."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input
class AdjustCreditsInput:
    account: str = strawberry.field(description="The name of the account.")
    change: BigInt = strawberry.field(
        description="Positive to add, negative to remove; the available credits cannot fall below zero."
    )
    reason: str = strawberry.field(description="The reason, at most 500 characters; kept with the entry.")
    user_ref: str | None = strawberry.field(default=None, description="The end user; null for the account itself.")


@strawberry.type
class AdjustCreditsPayload:
    entry: CreditEntry | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class CreditMutations:
    @mutation("Transfer credits from your account to one of your end users.", GrantCreditsPayload)
    async def grant_credits(self, info: Info, input: GrantCreditsInput) -> GrantCreditsPayload:
        request = GrantRequest(
            idempotency_key=input.idempotency_key,
            amount=input.amount,
            user_ref=input.user_ref,
            account=input.account,
            reason=input.reason,
        )
        granted = await info.context.database.write(grant_credits, info.context.principal, request)
        return GrantCreditsPayload(balance=CreditBalance.of(granted.balance), replayed=granted.replayed)

    @mutation(
        "For support: adjust the credits of a wallet, with a reason that stays in the ledger.", AdjustCreditsPayload
    )
    async def adjust_credits(self, info: Info, input: AdjustCreditsInput) -> AdjustCreditsPayload:
        entry = await info.context.database.write(
            adjust_credits,
            info.context.principal,
            account=input.account,
            user_ref=input.user_ref,
            change=input.change,
            reason=input.reason,
        )
        return AdjustCreditsPayload(entry=CreditEntry.of(entry, reader=info.context.principal))
