"""Share out the fetches of imports, each of which waits for a foreign server for up to its time limit."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from jobs.identity import Principal
from schema.admission.fair_share import FairShare
from schema.admission.upload_checks import UploadChecks

P = ParamSpec("P")
T = TypeVar("T")

_PLACES = 16


@dataclass(frozen=True, slots=True)
class ImportPlaces:
    """Places by account and by user, and threads of their own: slow servers take none from the checks of uploads."""

    shares: UploadChecks
    threads: ThreadPoolExecutor

    @asynccontextmanager
    async def place(self, caller: Principal) -> AsyncIterator[None]:
        """Wait for a place, and keep it for the block. Raises ApiError if too many of the caller wait already."""
        async with self.shares.place(caller):
            yield

    async def run(self, blocking: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, lambda: blocking(*args, **kwargs))


def import_places() -> ImportPlaces:
    """Return the places of one process: one account has at most half of them, one user two."""
    return ImportPlaces(
        UploadChecks(
            accounts=FairShare(places=_PLACES, per_owner=_PLACES // 2),
            users=FairShare(places=sys.maxsize, per_owner=2, waiting_max=10),
        ),
        ThreadPoolExecutor(_PLACES, thread_name_prefix="import"),
    )
