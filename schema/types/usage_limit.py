"""The limits of what an account or a user may have, and what is used of them."""

from __future__ import annotations

from datetime import datetime

import strawberry

from jobs.usage_limits import UsageLimit as Record
from schema.scalars import BigInt
from schema.types.enums import UsageLimitName, UsageLimitOwner


@strawberry.type(description="A limit of what an account or a user may have, or do in an hour.")
class UsageLimit:
    name: UsageLimitName = strawberry.field(description="What is limited.")
    owner: UsageLimitOwner = strawberry.field(description="Whose use it limits.")
    most: BigInt = strawberry.field(name="max", description="The most that the owner may have.")
    used: BigInt = strawberry.field(description="What the owner has; of more than `max`, not all may be counted.")
    resets_at: datetime | None = strawberry.field(
        description="When nothing is used again, for a limit of an hour; else null."
    )

    @classmethod
    def of(cls, record: Record) -> UsageLimit:
        """Return the limit of a record."""
        return cls(
            name=record.name,
            owner=record.owner,
            most=BigInt(record.most),
            used=BigInt(record.used),
            resets_at=record.resets_at,
        )
