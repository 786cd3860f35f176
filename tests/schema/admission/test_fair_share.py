"""Places are shared among accounts: a full share delays its own account alone."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from schema.admission.fair_share import FairShare
from schema.admission.upload_checks import upload_checks
from schema.errors import ApiError

A, B, C = (UUID(int=number) for number in (1, 2, 3))


class Blocks:
    """Starts blocks that end when a test says so, and notes the order in which they begin."""

    def __init__(self, share: FairShare) -> None:
        self.share = share
        self.begun: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, name: str, owner_id: UUID) -> None:
        """Start a block and run it as far as it gets."""
        self.ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._run(name, owner_id))
        await _settle()

    async def end(self, name: str) -> None:
        """End a block, and let the next one begin."""
        self.ends[name].set()
        await self.tasks[name]
        await _settle()

    async def _run(self, name: str, owner_id: UUID) -> None:
        async with self.share.place(owner_id):
            self.begun.append(name)
            await self.ends[name].wait()


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_an_account_with_a_full_share_leaves_places_for_others() -> None:
    async def scenario() -> None:
        blocks = Blocks(FairShare(places=4, per_owner=2))
        for number in range(5):
            await blocks.start(f"a{number}", A)
        await blocks.start("b0", B)
        assert blocks.begun == ["a0", "a1", "b0"]
        for name in ("a0", "a1", "a2", "a3", "a4", "b0"):
            await blocks.end(name)
        assert blocks.begun == ["a0", "a1", "b0", "a2", "a3", "a4"]

    asyncio.run(scenario())


def test_waiting_accounts_take_turns() -> None:
    async def scenario() -> None:
        blocks = Blocks(FairShare(places=1, per_owner=1))
        for name, owner_id in (("a0", A), ("a1", A), ("a2", A), ("b0", B), ("b1", B), ("c0", C)):
            await blocks.start(name, owner_id)
        for name in ("a0", "a1", "b0", "c0", "a2"):
            await blocks.end(name)
        assert blocks.begun == ["a0", "a1", "b0", "c0", "a2", "b1"]
        await blocks.end("b1")

    asyncio.run(scenario())


@pytest.mark.parametrize("at_once", [False, True])
def test_a_canceled_waiter_keeps_no_place(at_once: bool) -> None:
    async def scenario() -> None:
        blocks = Blocks(FairShare(places=1, per_owner=1))
        for name, owner_id in (("a0", A), ("b0", B), ("c0", C)):
            await blocks.start(name, owner_id)
        if at_once:
            # The place is given back and its next owner canceled before that one runs.
            blocks.ends["a0"].set()
            await asyncio.sleep(0)
        blocks.tasks["b0"].cancel()
        await _settle()
        if not at_once:
            await blocks.end("a0")
        assert blocks.begun == ["a0", "c0"]
        await blocks.end("c0")

    asyncio.run(scenario())


def test_a_block_that_fails_gives_its_place_back() -> None:
    async def scenario() -> None:
        share = FairShare(places=1, per_owner=1)
        for _ in range(2):
            with pytest.raises(ValueError):
                async with share.place(A):
                    raise ValueError

    asyncio.run(scenario())


def test_an_account_with_many_waiting_is_refused_and_others_are_not() -> None:
    async def scenario() -> None:
        blocks = Blocks(FairShare(places=1, per_owner=1, waiting_max=1))
        for name, owner_id in (("a0", A), ("a1", A), ("b0", B)):
            await blocks.start(name, owner_id)
        with pytest.raises(ApiError) as caught:
            async with blocks.share.place(A):
                pass
        assert (caught.value.extensions or {})["retryable"] is True
        for name in ("a0", "a1", "b0"):
            await blocks.end(name)

    asyncio.run(scenario())


def test_no_account_gets_all_places_for_checks() -> None:
    checks = upload_checks()
    assert 0 < checks.accounts.per_owner < checks.accounts.places
