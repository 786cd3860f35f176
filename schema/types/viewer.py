"""The caller as the API sees them."""

from __future__ import annotations

import strawberry

from db.records.ledger import WalletKey
from jobs.identity import Principal
from jobs.usage_limits import limits_of_user
from schema.context import Info
from schema.fields import field
from schema.types.account import Account, find_account, limits_of
from schema.types.credit_balance import CreditBalance
from schema.types.enums import ApiKeyMode, Role, Tier
from schema.types.session import Session
from schema.types.usage_limit import UsageLimit


@strawberry.type(description="The caller and what they may request.")
class Viewer:
    role: Role = strawberry.field(description="The kind of key or token.")
    name: str = strawberry.field(description="The name of the API key, or the session's user reference.")
    tier: Tier = strawberry.field(description="The tier in which the caller's requests run.")
    mode: ApiKeyMode = strawberry.field(
        description="Whether the caller's jobs go to the models or to a stand-in; a session's mode is that of the key "
        "that opened it."
    )
    wallet: strawberry.Private[WalletKey]
    session: Session | None = strawberry.field(description="The session of the token; null for an API key.")

    @classmethod
    def of(cls, caller: Principal) -> Viewer:
        """Return the viewer of a caller."""
        return cls(
            role=Role(caller.role),
            name=caller.name,
            tier=Tier(caller.tier),
            mode=ApiKeyMode.TEST if caller.is_test else ApiKeyMode.LIVE,
            wallet=caller.wallet,
            session=None if caller.session is None else Session.of(caller.session),
        )

    @field(
        "What you may have at a time, or do in an hour, and what you use of it: the limits of the user for a session, "
        "of the account for an API key. The request that would pass one is refused with `LIMIT_EXCEEDED`."
    )
    async def limits(self, info: Info) -> list[UsageLimit]:
        if not self.wallet.user_ref:
            return await limits_of(info, self.wallet.account_id)
        found = await info.context.database.read(limits_of_user, self.wallet, self.tier.value)
        return [UsageLimit.of(each) for each in found]

    @field("Your account; null for a session.")
    async def account(self, info: Info) -> Account | None:
        return await find_account(info, self.wallet.account_id)

    @field("Your credits. The user of a session has credits of their own, separate from the account's.")
    async def credits(self, info: Info) -> CreditBalance:
        return CreditBalance.of(await info.context.loaders.balances.load(self.wallet))
