"""Share out downloads of exports: each may go on for long, as slowly as its reader reads."""

from __future__ import annotations

from schema.admission.fair_share import FairShare


def export_places() -> FairShare:
    """Return the places of one process, of which one account has an eighth; beyond them nothing waits."""
    return FairShare(
        places=64, per_owner=8, waiting_max=0, refusal="Too many of your exports are being downloaded. Try again later."
    )
