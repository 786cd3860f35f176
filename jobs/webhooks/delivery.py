"""The delivery loop of a worker process: leases endpoints with news, serves them side by side, records the results.

Workers share the endpoints: one worker at a time serves each. What was delivered but not recorded,
because a worker died, is delivered again.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from db.engine.webhook_claims import Claimed, ClaimedEndpoint, claim_endpoints, record_results
from jobs.webhooks.messages import CursorOf
from jobs.webhooks.pace import WebhookPace
from jobs.webhooks.places import Places
from jobs.webhooks.reach import WebhookReach
from jobs.webhooks.sender import WebhookSender
from jobs.webhooks.serving import EndpointServer, Served

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Connections to the database at a time: one claims, one records.
CONNECTIONS = 2
# The endpoints of one claim: a larger transaction would keep the first of them waiting.
_CLAIMED_MAX = 50
_RETRY_AFTER_S = 1.0


class WebhookDelivery:
    """Delivers webhooks in a thread of its own, from its start until `close`."""

    def __init__(
        self, engine: Engine, reach: WebhookReach, cursor_of: CursorOf, *, worker: str, pace: WebhookPace | None = None
    ) -> None:
        self._engine = engine
        self._reach = reach
        self._cursor_of = cursor_of
        self._worker = worker
        self._pace = pace or WebhookPace()
        self._stopping = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._news = asyncio.Event()
        # Hints so far, and whether more endpoints were due than there were places for.
        self._hints = 0
        self._is_short = {False: False, True: False}
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look for due endpoints now. Called from any thread, for any number of hints."""
        if not self._stopping.is_set():
            self._call(self._hinted)

    def stop(self) -> None:
        """Claim no more and begin no further message."""
        self._stopping.set()
        self._call(self._news.set)

    def close(self) -> None:
        """Stop, and return when the messages under way are finished and recorded."""
        self.stop()
        self._thread.join()

    def _call(self, act: Callable[[], None]) -> None:
        # The loop may have ended already.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(act)

    def _hinted(self) -> None:
        self._hints += 1
        self._news.set()

    def _place_is_free(self) -> None:
        if any(self._is_short.values()):
            self._news.set()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._work())

    async def _work(self) -> None:
        sender = WebhookSender(self._reach, self._pace.limits)
        self._server = EndpointServer(sender, self._pace, self._cursor_of, self._stopping.is_set)
        self._places = Places(self._pace, self._place_is_free)
        with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="webhook-rows") as self._threads:
            self._results = Results(self._write)
            async with asyncio.TaskGroup() as serving:
                while not self._stopping.is_set():
                    await self._next_news()
                    for failing in (False, True):
                        await self._claim(serving, failing=failing)
        sender.close()

    async def _next_news(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pace.poll_s):
                await self._news.wait()
        self._news.clear()

    async def _claim(self, serving: asyncio.TaskGroup, *, failing: bool) -> None:
        limit = min(_CLAIMED_MAX, self._places.free(failing=failing))
        self._is_short[failing] = limit == 0
        if limit == 0 or self._stopping.is_set():
            return
        claimed_at, hints = time.monotonic(), self._hints
        try:
            claimed = await self._in_thread(lambda conn: self._claimed(conn, limit, failing=failing))
        except SQLAlchemyError as error:
            log.info("webhooks are waiting for the database", why=type(error).__name__)
            return
        for endpoint in claimed.endpoints:
            serving.create_task(self._serve(endpoint, claimed_at, hints))
        if not claimed.is_last:
            self._is_short[failing] = True
            self._news.set()

    def _claimed(self, conn: Connection, limit: int, *, failing: bool) -> Claimed:
        pace = self._pace
        return claim_endpoints(
            conn, worker=self._worker, failing=failing, limit=limit, most=pace.messages, lease_for=pace.lease
        )

    async def _serve(self, endpoint: ClaimedEndpoint, claimed_at: float, hints: int) -> None:
        """Serve an endpoint and record the result. Whatever goes wrong concerns this one only: its lease expires."""
        with self._places.taken(failing=endpoint.failures > 0):
            try:
                result, attempts = await self._server.serve(endpoint, claimed_at)
                await self._results.write((result, attempts))
                if self._hints != hints or result.has_more(endpoint):
                    # It was passed over while it was leased, or has not come to its end.
                    self._news.set()
            except Exception:
                log.exception("an endpoint could not be served", endpoint_id=str(endpoint.id))

    async def _write(self, outcomes: list[Served]) -> None:
        """Record outcomes, again and again until the database takes them or their leases have expired."""
        gives_up_at = time.monotonic() + self._pace.lease.total_seconds()
        while True:
            try:
                await self._in_thread(lambda conn: record_results(conn, outcomes))
                return
            except SQLAlchemyError as error:
                log.info("the results of webhooks wait for the database", why=type(error).__name__)
                if time.monotonic() > gives_up_at:
                    return
                await asyncio.sleep(_RETRY_AFTER_S)

    async def _in_thread(self, act: Callable[[Connection], T]) -> T:
        def acted() -> T:
            with self._engine.begin() as conn:
                return act(conn)

        return await asyncio.get_running_loop().run_in_executor(self._threads, acted)


class Results:
    """Groups outcomes: while one group is written, the next one gathers."""

    def __init__(self, write: Callable[[list[Served]], Awaitable[None]]) -> None:
        self._write_group = write
        self._waiting: list[tuple[Served, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def write(self, outcome: Served) -> None:
        """Return when an outcome is written."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((outcome, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_groups())
        await written

    async def _write_groups(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                await self._write_group([outcome for outcome, _ in group])
            except Exception:
                log.exception("the results of webhooks could not be recorded")
            for _, written in group:
                written.set_result(None)
