"""Places for work that takes seconds, shared by accounts and their users so that none keeps the others waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from jobs.identity import Principal
from schema.admission.fair_share import FairShare


@dataclass(frozen=True, slots=True)
class CallerPlaces:
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
