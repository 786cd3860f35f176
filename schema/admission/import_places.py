"""Share out the fetches of imports, each of which waits for a foreign server for up to its time limit."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from schema.admission.caller_places import CallerPlaces
from schema.admission.fair_share import FairShare

P = ParamSpec("P")
T = TypeVar("T")

_PLACES = 16


@dataclass(frozen=True, slots=True)
class ImportPlaces(CallerPlaces):
    """Places with threads of their own: slow servers take none from the checks of uploads."""

    threads: ThreadPoolExecutor

    async def run(self, blocking: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, lambda: blocking(*args, **kwargs))


def import_places() -> ImportPlaces:
    """Return the places of one process: one account has at most half of them, one user two."""
    return ImportPlaces(
        accounts=FairShare(places=_PLACES, per_owner=_PLACES // 2),
        users=FairShare(places=sys.maxsize, per_owner=2, waiting_max=10),
        threads=ThreadPoolExecutor(_PLACES, thread_name_prefix="import"),
    )
