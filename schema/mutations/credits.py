"""Mutations that grant and adjust credits."""

from __future__ import annotations

import strawberry

from jobs.requesting.credits import GrantRequest, adjust_credits, grant_credits
from schema.context import Info
from schema.fields import mutation
from schema.mutations.payloads import KeyedPayload, Payload
from schema.scalars import BigInt
from schema.types.credit_balance import CreditBalance
from schema.types.credits import CreditEntry
from statemachine.vocabulary import KeyScope


@strawberry.input(description="The credits to give, and the wallet that receives them.")
class GrantCreditsInput:
    amount: BigInt = strawberry.field(description="The credits to give, 1 to 1000000000.")
    idempotency_key: str = strawberry.field(description="1 to 255 characters. The same key grants only once.")
    user_ref: str | None = strawberry.field(
        default=None, description="The end user who receives the credits from your account. Support may omit it."
    )
    account: str | None = strawberry.field(
        default=None, description="For support: the name of the account; null for your own."
    )
    reason: str | None = strawberry.field(default=None, description="Kept with the entry, at most 500 characters.")


@strawberry.type(description="The wallet after the grant.")
class GrantCreditsPayload(KeyedPayload):
    balance: CreditBalance | None = strawberry.field(
        default=None, description="The credits of the wallet that received them, as they are now."
    )


@strawberry.input(description="The wallet to adjust, and by how much.")
class AdjustCreditsInput:
    account: str = strawberry.field(description="The name of the account.")
    change: BigInt = strawberry.field(
        description="Positive to add, negative to remove, at most 1000000000; the available credits cannot fall "
        "below zero."
    )
    reason: str = strawberry.field(description="The reason, at most 500 characters; kept with the entry.")
    user_ref: str | None = strawberry.field(default=None, description="The end user; null for the account itself.")


@strawberry.type(description="The adjustment as the ledger has it.")
class AdjustCreditsPayload(Payload):
    entry: CreditEntry | None = strawberry.field(default=None, description="The ledger entry that was written.")


@strawberry.type
class CreditMutations:
    @mutation(
        "Transfer credits from your account to one of your end users.", GrantCreditsPayload, scope=KeyScope.CREDITS
    )
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
        "For support: adjust the credits of a wallet, with a reason that stays in the ledger.",
        AdjustCreditsPayload,
        scope=KeyScope.CREDITS,
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
