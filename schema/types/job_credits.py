"""The credits of one job."""

from __future__ import annotations

import strawberry

from db.records.ledger import JobCredits as Record


@strawberry.type(description="The credits of a job: charged when it succeeds, released when it does not.")
class JobCredits:
    price: int = strawberry.field(description="Its price when it succeeds.")
    held: int = strawberry.field(description="Held until it ends.")
    charged: int
    refunded: int = strawberry.field(description="Refunded after it was charged.")

    @classmethod
    def of(cls, price: int, record: Record) -> JobCredits:
        """Return the credits of a record."""
        return cls(price=price, held=record.held, charged=record.charged, refunded=record.refunded)
