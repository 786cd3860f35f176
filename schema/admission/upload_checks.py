"""Share out the checks of uploads, each of which is a child process that computes for seconds."""

from __future__ import annotations

import os
import sys

from schema.admission.caller_places import CallerPlaces
from schema.admission.fair_share import FairShare


def upload_checks() -> CallerPlaces:
    """Return the places of one process.

    One account can keep every processor busy, and as many checks of others run beside its own. A user has fewer places
    than its account, so that one is left for the account's next user.
    """
    of_one_account = min(max(os.cpu_count() or 1, 3), 4)
    return CallerPlaces(
        accounts=FairShare(places=2 * of_one_account, per_owner=of_one_account),
        users=FairShare(places=sys.maxsize, per_owner=2, waiting_max=10),
    )
