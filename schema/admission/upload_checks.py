"""Share out the checks of uploads, each of which is a child process that computes for seconds."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from jobs.identity import Principal
from schema.admission.fair_share import FairShare


@dataclass(frozen=True, slots=True)
class UploadChecks:
    """Places by account, and two for each user of a session, who otherwise could block the account's other users."""

    accounts: FairShare
    users: FairShare

    @asynccontextmanager
    async def place(self, caller: Principal) -> AsyncIterator[None]:
        """Wait for a place, and keep it for the block. Raises ApiError if too many of the caller wait already."""
        async with AsyncExitStack() as places:
            if caller.session is not None:
                await places.enter_async_context(self.users.place(caller.session.id))
            await places.enter_async_context(self.accounts.place(caller.account_id))
            yield


def upload_checks() -> UploadChecks:
    """Return the places of one process.

    One account can keep every processor busy, and as many checks of others run beside its own. A user has fewer places
    than its account, so that one is left for the account's next user.
    """
    of_one_account = min(max(os.cpu_count() or 1, 3), 4)
    return UploadChecks(
        accounts=FairShare(places=2 * of_one_account, per_owner=of_one_account),
        users=FairShare(places=sys.maxsize, per_owner=2, waiting_max=10),
    )
