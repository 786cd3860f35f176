"""The audit, as support reads it."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db.records.audit import AuditEntry as Record
from db.records.audit import AuditFilter as Wanted
from schema.context import Info
from schema.fields import field
from schema.ids import IdKind, decode_id
from schema.types.account import Account, find_account
from schema.types.enums import AuditAction, Role
from schema.types.filters import each_of


@strawberry.type(description="One change by support. Entries never change.")
class AuditEntry:
    record: strawberry.Private[Record]
    at: datetime = strawberry.field(description="When it was done.")
    actor: str = strawberry.field(description="The member of support, as `support:` and the name of the key.")
    role: Role = strawberry.field(description="The role of the key at that time.")
    action: AuditAction = strawberry.field(description="The kind of change.")
    user_ref: str | None = strawberry.field(description="The end user whom it concerned; null for other changes.")
    subject: str | None = strawberry.field(
        description="The id of the job, the asset or the key, the name of the step, or the limit; null without one."
    )
    reason: str | None = strawberry.field(description="The reason that was given; null without one.")

    @classmethod
    def of(cls, record: Record) -> AuditEntry:
        """Return the entry of a record."""
        return cls(
            record=record,
            at=record.at,
            actor=record.actor,
            role=record.role,
            action=record.action,
            user_ref=record.user_ref,
            subject=record.subject,
            reason=record.reason,
        )

    @field("The account that it concerned; null for a change that concerned all of them.")
    async def account(self, info: Info) -> Account | None:
        return None if self.record.account_id is None else await find_account(info, self.record.account_id)


@strawberry.input(description="All given conditions must hold.")
class AuditFilter:
    actions: list[AuditAction] | None = strawberry.field(default=None, description="Changes of one of these kinds.")
    account: strawberry.ID | None = strawberry.field(
        default=None, description="Changes that concerned this account; needed together with `userRef`."
    )
    user_ref: str | None = strawberry.field(default=None, description="Changes that concerned this end user.")

    def wanted(self) -> Wanted:
        """Return the filter as the read takes it; raise ApiError or MalformedId for a value that makes no sense."""
        account_id = None if self.account is None else decode_id(self.account, IdKind.ACCOUNT)
        return Wanted(each_of("actions", self.actions, str), account_id, self.user_ref)
