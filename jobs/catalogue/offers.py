"""Offers: what a tier can request now, and what each costs. Requests are priced by the same table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jobs.catalogue.catalogue import Catalogue
from jobs.catalogue.prices import price_of, prices
from jobs.errors import UseCaseError
from statemachine.vocabulary import Kind

# The entries that `prices.json` may have for one tier; the API counts so many rows for the list.
OFFERS_MAX = 8


@dataclass(frozen=True, slots=True)
class Offer:
    """One generation that a tier can request; `duration_s` is None for pictures."""

    kind: Kind
    tier: str
    duration_s: int | None
    credits: int


def offers(catalogue: Catalogue, tier: str) -> Iterator[Offer]:
    """Yield what a tier can request of the configured models, in the order of `prices.json`."""
    for kind, of_tier, duration_s in prices():
        if of_tier == tier and _is_offered(catalogue, kind, tier, duration_s):
            yield Offer(kind, tier, duration_s, price_of(kind, tier, duration_s))


def _is_offered(catalogue: Catalogue, kind: Kind, tier: str, duration_s: int | None) -> bool:
    try:
        catalogue.check_makeable(kind, tier, duration_s)
        catalogue.check_duration(tier, duration_s or 0)
    except UseCaseError:
        return False
    return True
