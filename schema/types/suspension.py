"""Suspensions, as support sees them and as the suspended do."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db.records.ledger import WalletKey
from db.records.suspensions import Suspension as Record
from schema.context import Info


@strawberry.type(description="A suspension: the account or the end user reads, but changes nothing.")
class Suspension:
    suspended_at: datetime = strawberry.field(description="When it began.")
    suspended_by: str | None = strawberry.field(description="The member of support; for support only.")
    reason: str | None = strawberry.field(description="The reason that was given; for support only.")

    @classmethod
    def of(cls, record: Record, *, support: bool) -> Suspension:
        """Return the suspension of a record; names and words of staff are shown to support only."""
        return cls(
            suspended_at=record.suspended_at,
            suspended_by=record.suspended_by if support else None,
            reason=record.reason if support else None,
        )


async def find_suspension(info: Info, who: WalletKey) -> Suspension | None:
    """Return the suspension of an account or of one of its end users, or None."""
    found = await info.context.loaders.suspensions.load(who)
    return None if found is None else Suspension.of(found, support=info.context.principal.is_support)
