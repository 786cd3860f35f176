"""The mutation that sets the limits of what an account and its users may have."""

from __future__ import annotations

import strawberry

from jobs.support.limiting import MOST_MAX, LimitChange, set_usage_limit
from schema.context import Info
from schema.fields import mutation
from schema.ids import IdKind
from schema.mutations.arguments import input_id
from schema.mutations.payloads import Payload
from schema.scalars import BigInt
from schema.types.account import Account
from schema.types.enums import UsageLimitName, UsageLimitOwner


@strawberry.input(description="The limit to set.")
class SetUsageLimitInput:
    account_id: strawberry.ID = strawberry.field(description="The account.")
    name: UsageLimitName = strawberry.field(description="What is limited.")
    owner: UsageLimitOwner = strawberry.field(description="Whose use: the account's as a whole, or each user's.")
    most: BigInt | None = strawberry.field(
        name="max", description=f"The most that the owner may have, 0 to {MOST_MAX}; null for the usual limit."
    )
    reason: str = strawberry.field(description="The reason, 1 to 500 characters, which the audit keeps.")

    def change(self) -> LimitChange:
        """Return the change; raise Invalid for a malformed id."""
        account_id = input_id(self.account_id, IdKind.ACCOUNT, "accountId")
        return LimitChange(account_id, self.name, self.owner, self.most, self.reason)


@strawberry.type(description="The account with its limits.")
class SetUsageLimitPayload(Payload):
    account: Account | None = strawberry.field(default=None, description="The account.")


@strawberry.type
class UsageLimitMutations:
    @mutation(
        "Set how much an account or each of its users may have, or do in an hour. What they have already stays. For "
        "support only.",
        SetUsageLimitPayload,
    )
    async def set_usage_limit(self, info: Info, input: SetUsageLimitInput) -> SetUsageLimitPayload:
        account = await info.context.database.write(set_usage_limit, info.context.principal, input.change())
        return SetUsageLimitPayload(account=Account.of(account))
