"""Share out the test messages of webhook endpoints, each of which waits for a foreign server."""

from __future__ import annotations

from schema.admission.fair_share import FairShare

_REFUSAL = "Too many of your webhook tests wait for their endpoints. Try again later."


def webhook_test_places() -> FairShare:
    """Return the places of one process; one account has at most three of them."""
    return FairShare(places=20, per_owner=3, waiting_max=10, refusal=_REFUSAL)
