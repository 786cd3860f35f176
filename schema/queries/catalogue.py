"""Queries for what can be requested: themes, prices and limits of uploads."""

from __future__ import annotations

from typing import Annotated

import strawberry

from jobs.catalogue.offers import OFFERS_MAX, offers
from schema.context import Info
from schema.fields import field
from schema.types.enums import GenerationKind, Tier
from schema.types.price import Price
from schema.types.theme import Theme
from schema.types.upload_limits import UploadLimits

_KIND = strawberry.argument(description="Prices of this kind; null for all kinds.")
_DURATION = strawberry.argument(description="Prices of videos of this length; null for every length, and pictures too.")
_TIER = strawberry.argument(description="Prices in this tier; null for yours.")


@strawberry.type
class CatalogueQueries:
    @field("What an upload may be, to check a picture before sending it.")
    async def upload_limits(self) -> UploadLimits:
        return UploadLimits.current()

    @field("The themes that scenes can be requested in.")
    async def themes(self, info: Info) -> list[Theme]:
        return [Theme.of(theme) for theme in info.context.catalogue.themes.values()]

    @field(
        "What can be requested now, with its price, to show before asking. A story costs what its jobs do.",
        rows=OFFERS_MAX,
    )
    async def prices(
        self,
        info: Info,
        kind: Annotated[GenerationKind | None, _KIND] = None,
        duration_seconds: Annotated[int | None, _DURATION] = None,
        tier: Annotated[Tier | None, _TIER] = None,
    ) -> list[Price]:
        wanted = info.context.principal.tier if tier is None else tier.value
        return [
            Price.of(offer)
            for offer in offers(info.context.catalogue, wanted)
            if kind in (None, offer.kind) and duration_seconds in (None, offer.duration_s)
        ]
