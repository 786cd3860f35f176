"""Connections within a reach from an event loop, by the same rule as those of threads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import Executor
from typing import Any

import httpcore

from jobs.reach.connecting import Reach


class AsyncPublicBackend(httpcore.AsyncNetworkBackend):
    """Opens connections within a reach. Names are resolved in threads of `resolving`, because that blocks."""

    def __init__(self, reach: Reach, resolving: Executor) -> None:
        self._reach = reach
        self._resolving = resolving
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature of the network backend
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the host that is allowed and responds. Raises httpcore.ConnectError."""
        found = asyncio.get_running_loop().run_in_executor(self._resolving, self._reach.addresses, host, port)
        failed: Exception | None = None
        for address in await found:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError("the host has no allowed address")
