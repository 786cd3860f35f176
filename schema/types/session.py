"""Sessions of end users, and the lists of jobs that belong to them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from db.records.accounts import SessionRecord
from db.records.ledger import WalletKey
from schema import arguments
from schema.context import Info
from schema.fields import field, paged_field
from schema.ids import IdKind, encode_id
from schema.paging import Connection, PageRequest
from schema.queries.lists import list_jobs
from schema.scalars import BigInt
from schema.types.account import Account, find_account
from schema.types.enums import JobOrder, Tier
from schema.types.filters import JobFilter
from schema.types.job import Job
from schema.types.node import Node
from schema.types.suspension import Suspension, find_suspension


@strawberry.type(description="An end user's session under a partner's account.")
class Session(Node):
    record: strawberry.Private[SessionRecord]
    user_ref: str = strawberry.field(description="Your own name for the end user.")
    tier: Tier = strawberry.field(description="The tier in which its requests run.")
    created_at: datetime = strawberry.field(description="When it was opened.")
    expires_at: datetime = strawberry.field(description="When its token stops working.")
    has_token: bool = strawberry.field(
        description="False for the one session of a user that stands for what your API keys requested with "
        "`onBehalfOf`; it was never valid."
    )

    @classmethod
    def of(cls, record: SessionRecord) -> Session:
        """Return the session of a record; its token cannot be read again."""
        return cls(
            id=strawberry.ID(encode_id(IdKind.SESSION, record.id)),
            record=record,
            user_ref=record.user_ref,
            tier=Tier(record.tier),
            created_at=record.created_at,
            expires_at=record.expires_at,
            has_token=record.has_token,
        )

    @field("The account that opened it; null for a session.")
    async def account(self, info: Info) -> Account | None:
        return await find_account(info, self.record.account_id)

    @field("The suspension of its user by support; null while the user is not suspended. The account may still be.")
    async def suspension(self, info: Info) -> Suspension | None:
        return await find_suspension(info, WalletKey(self.record.account_id, self.record.user_ref))

    @field("The credits its user can still spend.")
    async def credit_balance(self, info: Info) -> BigInt:
        wallet = WalletKey(self.record.account_id, self.record.user_ref)
        return BigInt((await info.context.loaders.balances.load(wallet)).available)

    @paged_field("The jobs requested in this session, newest first.")
    async def jobs(
        self,
        info: Info,
        page: PageRequest,
        filter: Annotated[JobFilter | None, arguments.FILTER] = None,
    ) -> Connection[Job]:
        return await list_jobs(info, filter, JobOrder.NEWEST, page, session_id=self.record.id)


@strawberry.input(description="All given conditions must hold.")
class SessionFilter:
    account: strawberry.ID | None = strawberry.field(
        default=None, description="Sessions of this account; for support, who must give it together with `userRef`."
    )
    user_ref: str | None = strawberry.field(default=None, description="Sessions of this end user.")
