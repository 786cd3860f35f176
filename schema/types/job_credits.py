"""The credits of one job."""

from __future__ import annotations

import strawberry

from db.records.ledger import JobCredits as Record


@strawberry.type(description="The credits of a job: charged when it succeeds, released when it does not.")
class JobCredits:
    price: int = strawberry.field(description="The credits that it costs if it succeeds.")
    held: int = strawberry.field(description="Held until it ends; 0 afterwards.")
    charged: int = strawberry.field(description="Charged because it succeeded; 0 otherwise.")
    refunded: int = strawberry.field(description="Refunded after it was charged.")

    @classmethod
    def of(cls, price: int, record: Record) -> JobCredits:
        """Return the credits of a record."""
        return cls(price=price, held=record.held, charged=record.charged, refunded=record.refunded)
