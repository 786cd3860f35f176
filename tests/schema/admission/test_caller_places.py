"""A place is kept for as long as its thread works, whatever the client does meanwhile."""

from __future__ import annotations

import asyncio
import threading
from uuid import UUID

import pytest

from schema.admission.caller_places import CallerPlaces
from schema.admission.fair_share import FairShare

OWNER = UUID(int=1)


@pytest.fixture
def places() -> CallerPlaces:
    """Return a single place."""
    return CallerPlaces(FairShare(1, 1), FairShare(1, 1))


def test_a_task_that_is_canceled_waits_for_its_thread(places: CallerPlaces) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def blocking() -> None:
        begun.set()
        may_end.wait()
        raise OSError

    async def work() -> None:
        async with places.accounts.place(OWNER):
            await places.run(blocking)

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.to_thread(begun.wait)
        try:
            for _ in range(2):
                task.cancel()
                await asyncio.wait({task}, timeout=0.01)
                assert not task.done()
        finally:
            may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert not places.accounts._running


def test_an_error_of_the_thread_is_raised(places: CallerPlaces) -> None:
    with pytest.raises(ValueError, match="x"):
        asyncio.run(places.run(int, "x"))
