"""Share out the fetches of imports, each of which waits for a foreign server for up to its time limit."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from schema.admission.caller_places import CallerPlaces
from schema.admission.fair_share import FairShare

_PLACES = 16


def import_places() -> CallerPlaces:
    """Return the places of one process: one account has at most half of them, one user two.

    They have threads of their own: slow servers take none from the checks of uploads.
    """
    return CallerPlaces(
        accounts=FairShare(places=_PLACES, per_owner=_PLACES // 2),
        users=FairShare(places=sys.maxsize, per_owner=2, waiting_max=10),
        threads=ThreadPoolExecutor(_PLACES, thread_name_prefix="import"),
    )
