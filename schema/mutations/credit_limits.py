"""Mutations that set the limits of an account's credits."""

from __future__ import annotations

from uuid import UUID

import strawberry

from jobs.credit_limits import set_low_balance_mark, set_spend_cap
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.mutations.payloads import Payload
from schema.scalars import BigInt
from schema.types.account import Account
from statemachine.vocabulary import KeyScope


@strawberry.input
class LimitInput:
    """The fields that both inputs share. Not in the SDL, because GraphQL inputs do not inherit."""

    account_id: strawberry.ID | None = strawberry.field(
        default=None, description="The account, for support; null for your own."
    )
    reason: str | None = strawberry.field(
        default=None, description="The reason, at most 500 characters: support must give it, and the audit keeps it."
    )

    def account(self) -> UUID | None:
        """Return the account that is named; raise Invalid for a malformed id."""
        return None if self.account_id is None else input_id(self.account_id, IdKind.ACCOUNT, "accountId")


@strawberry.input(description="The cap to set.")
class SetSpendCapInput(LimitInput):
    credits_per_day: BigInt | None = strawberry.field(
        description="The credits that requests of the account and its users may hold on a day of UTC, 0 to 1000000000; "
        "null for no cap."
    )


@strawberry.type(description="The account with its cap.")
class SetSpendCapPayload(Payload):
    account: Account | None = strawberry.field(default=None, description="The account.")


@strawberry.input(description="The mark to set.")
class SetLowBalanceMarkInput(LimitInput):
    credits: BigInt | None = strawberry.field(
        description="The balance of the account itself below which it is notified, 1 to 1000000000; null for none."
    )


@strawberry.type(description="The account with its mark.")
class SetLowBalanceMarkPayload(Payload):
    account: Account | None = strawberry.field(default=None, description="The account.")


@strawberry.type
class CreditLimitMutations:
    @mutation(
        "Set the most credits that an account spends in a day: a request beyond it is refused with "
        "`SPEND_CAP_REACHED`. A first cap counts from now on. Requires an API key.",
        SetSpendCapPayload,
        scope=KeyScope.CREDITS,
    )
    async def set_spend_cap(self, info: Info, input: SetSpendCapInput) -> SetSpendCapPayload:
        account = await info.context.database.write(
            set_spend_cap,
            info.context.principal,
            input.credits_per_day,
            account_id=input.account(),
            reason=input.reason,
        )
        return SetSpendCapPayload(account=Account.of(account))

    @mutation(
        "Set the mark of a low balance: each time the account's own balance falls below it, the activity has an entry, "
        "and webhooks a message `balance.low`. Requires an API key.",
        SetLowBalanceMarkPayload,
        scope=KeyScope.CREDITS,
    )
    async def set_low_balance_mark(self, info: Info, input: SetLowBalanceMarkInput) -> SetLowBalanceMarkPayload:
        account = await info.context.database.write(
            set_low_balance_mark,
            info.context.principal,
            input.credits,
            account_id=input.account(),
            reason=input.reason,
        )
        return SetLowBalanceMarkPayload(account=Account.of(account))
