"""Balances: what a wallet has."""

from __future__ import annotations

import strawberry

from db.records.ledger import Balance
from schema.scalars import BigInt


@strawberry.type(description="The credits in a wallet.")
class CreditBalance:
    available: BigInt = strawberry.field(description="Credits that can be spent.")
    held: BigInt = strawberry.field(description="Held for jobs that have not ended.")

    @classmethod
    def of(cls, balance: Balance) -> CreditBalance:
        """Return the balance of a record."""
        return cls(available=BigInt(balance.available), held=BigInt(balance.held))
