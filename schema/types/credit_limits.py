"""The cap of what an account spends in a day."""

from __future__ import annotations

from datetime import datetime

import strawberry

from db.records.credit_limits import CreditLimits
from schema.scalars import BigInt


@strawberry.type(description="The cap of what an account spends in a day of UTC, its users included.")
class SpendCap:
    credits_per_day: BigInt = strawberry.field(description="The credits that its requests may hold on a day.")
    used: BigInt = strawberry.field(
        description="Of those, what counts today. What comes back on the same day, because a job failed or was "
        "canceled, is left out within a minute once half of the cap is used."
    )
    resets_at: datetime = strawberry.field(description="When the next day begins, and nothing is used.")

    @classmethod
    def of(cls, limits: CreditLimits | None) -> SpendCap | None:
        """Return the cap of an account's limits, or None where they have none."""
        if limits is None or limits.spend_cap is None:
            return None
        return cls(credits_per_day=BigInt(limits.spend_cap), used=BigInt(limits.used), resets_at=limits.resets_at)
