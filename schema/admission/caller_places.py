"""Places for work that takes seconds, shared by accounts and their users so that none keeps the others waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar

from jobs.identity import Principal
from schema.admission.fair_share import FairShare

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CallerPlaces:
    """Places by account, and two for each user of a session, who otherwise could block the account's other users.

    The work is done in `threads`, by default those of the event loop.
    """

    accounts: FairShare
    users: FairShare
    threads: ThreadPoolExecutor | None = None

    @asynccontextmanager
    async def place(self, caller: Principal) -> AsyncIterator[None]:
        """Wait for a place, and keep it for the block. Raises ApiError if too many of the caller wait already."""
        async with AsyncExitStack() as places:
            if caller.session is not None:
                await places.enter_async_context(self.users.place(caller.session.id))
            await places.enter_async_context(self.accounts.place(caller.account_id))
            yield

    async def run(self, blocking: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function in one of the threads, and wait for its end even if this task is canceled.

        A client that completes its operation on a socket cancels the task and not the thread. If the place were given
        back then, one client could keep every thread busy.
        """
        bound = partial(copy_context().run, blocking, *args, **kwargs)
        return await _to_its_end(asyncio.get_running_loop().run_in_executor(self.threads, bound))


async def _to_its_end(future: asyncio.Future[T]) -> T:
    canceled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            canceled = error
    if canceled is not None:
        # Else its error would be reported as never retrieved.
        future.exception()
        raise canceled
    return future.result()
