"""Prices as callers read them before they request something."""

from __future__ import annotations

import strawberry

from jobs.catalogue.offers import Offer
from schema.types.enums import GenerationKind, Tier


@strawberry.type(description="The price of one generation that can be requested now.")
class Price:
    kind: GenerationKind = strawberry.field(description="What is made.")
    tier: Tier = strawberry.field(description="The tier in which it is requested.")
    duration_seconds: int | None = strawberry.field(description="The length of a video; null for a picture.")
    credits: int = strawberry.field(
        description="Held when it is requested, and charged when it succeeds: see `JobCredits`."
    )

    @classmethod
    def of(cls, offer: Offer) -> Price:
        """Return the price of an offer."""
        return cls(kind=offer.kind, tier=Tier(offer.tier), duration_seconds=offer.duration_s, credits=offer.credits)
