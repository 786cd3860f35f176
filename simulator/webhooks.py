"""Sends webhooks about predictions: signed, filtered, throttled, and retried only for the final event.

The events of one prediction are sent one after another. A final event that is not accepted (no connection, 4xx, 5xx) is
sent again with the same id until about a minute after completion; a redirect counts as accepted, because it is never
followed. Every attempt is kept for inspection.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
from standardwebhooks import Webhook

from simulator.clock import Scheduler
from simulator.counters import Counters
from simulator.ids import Names
from simulator.outgoing import outgoing_client
from simulator.predictions import Options, Prediction
from simulator.settings import SimulatorSettings

DEFAULT_EVENTS = ("output", "completed")
THROTTLED = ("output", "logs")
THROTTLE_S = 0.5
FORGED_KEY = "whsec_bm90LXRoZS1rZXktdGhhdC13YXMtYWdyZWVk"
KEPT_MESSAGES = 20_000


@dataclass(slots=True)
class Record:
    """The record of a message. `attempts` has a status code, or the name of the error, for each attempt."""

    id: str
    prediction_id: str
    event: str
    url: str
    attempts: list[int | str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the record as JSON, for `/_simulator/webhooks`."""
        return {
            "id": self.id,
            "prediction": self.prediction_id,
            "event": self.event,
            "url": self.url,
            "attempts": self.attempts,
        }


@dataclass(frozen=True, slots=True)
class Message:
    """One event to send, with the prediction as it was then. The body, which may be large, is not kept."""

    record: Record
    body: bytes

    @property
    def event(self) -> str:
        """The event's name."""
        return self.record.event


@dataclass(slots=True)
class _Queue:
    """The events of one prediction: the last one sent, and those that a fault delays."""

    last: asyncio.Task[None] | None = None
    throttled_at: float = float("-inf")
    delayed: list[Message] = field(default_factory=list)


class Webhooks:
    """Sends the events of all predictions."""

    def __init__(
        self,
        settings: SimulatorSettings,
        scheduler: Scheduler,
        counters: Counters,
        names: Names,
        describe: Callable[[Prediction], dict[str, Any]],
    ) -> None:
        self.settings = settings
        self.scheduler = scheduler
        self.counters = counters
        self.names = names
        self.describe = describe
        self.sent: deque[Record] = deque(maxlen=KEPT_MESSAGES)
        self._queues: dict[str, _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = outgoing_client(timeout_s=settings.webhook_timeout_s, follow_redirects=False)

    def announce(self, prediction: Prediction, event: str) -> None:
        """Send an event if the prediction has a webhook that wants it."""
        if prediction.webhook is None:
            return
        queue = self._queue_of(prediction, event)
        if event not in _wanted(prediction) or (event in THROTTLED and not self._is_admitted(queue)):
            return
        message = self._message(prediction, event)
        for each in _ready(prediction, queue, message):
            self._enqueue(prediction, queue, each)

    def clear(self) -> None:
        """Stop sending, and remove the records."""
        for task in self._tasks:
            task.cancel()
        self._queues.clear()
        self.sent.clear()

    async def close(self) -> None:
        """Stop sending and close the connections."""
        tasks = list(self._tasks)
        self.clear()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    def _queue_of(self, prediction: Prediction, event: str) -> _Queue:
        """Return the prediction's queue, which no event joins after the final one."""
        queue = self._queues.setdefault(prediction.id, _Queue())
        if event == "completed":
            del self._queues[prediction.id]
        return queue

    def _is_admitted(self, queue: _Queue) -> bool:
        """Return whether the last throttled event was long enough ago."""
        now = self.scheduler.clock.now()
        if now - queue.throttled_at < self.settings.paced(THROTTLE_S):
            return False
        queue.throttled_at = now
        return True

    def _message(self, prediction: Prediction, event: str) -> Message:
        assert prediction.webhook is not None, "only predictions with a webhook have messages"
        body = orjson.dumps(self.describe(prediction))
        return Message(Record(f"msg_{self.names.id()}", prediction.id, event, prediction.webhook), body)

    def _enqueue(self, prediction: Prediction, queue: _Queue, message: Message) -> None:
        if _applies(prediction, "lose_webhook", message.event) is not None:
            self.counters.webhooks["lost"] += 1
            return
        self.sent.append(message.record)
        task = asyncio.ensure_future(self._send(prediction, message, queue.last))
        queue.last = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, prediction: Prediction, message: Message, before: asyncio.Task[None] | None) -> None:
        """Send a message after the one before it, then its copies and retries."""
        if before is not None:
            await asyncio.wait([before])
        late = _applies(prediction, "delay_webhook", message.event)
        if late is not None:
            await self.scheduler.until(self.scheduler.clock.now() + float(late["seconds"]))
        accepted = await self._attempt(prediction, message)
        for _ in range(_copies(prediction, message.event)):
            await self._attempt(prediction, message)
        if not accepted and message.event == "completed":
            self._retry_later(prediction, message)

    def _retry_later(self, prediction: Prediction, message: Message) -> None:
        """Retry the final event in its own task, so that nothing waits for it."""
        task = asyncio.ensure_future(self._retry(prediction, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _retry(self, prediction: Prediction, message: Message) -> None:
        first_at = self.scheduler.clock.now()
        for after_s in self.settings.webhook_retry_at_s:
            await self.scheduler.until(first_at + self.settings.paced(after_s))
            if await self._attempt(prediction, message):
                return
        self.counters.webhooks["given_up"] += 1

    async def _attempt(self, prediction: Prediction, message: Message) -> bool:
        """Send a message once and return whether it was accepted."""
        record = message.record
        headers = {"content-type": "application/json", **self._signed(prediction, message)}
        self.counters.webhooks["attempts"] += 1
        try:
            response = await self._client.post(record.url, content=message.body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as unreachable:
            record.attempts.append(type(unreachable).__name__)
            return False
        record.attempts.append(response.status_code)
        self.counters.webhooks[_outcome(response)] += 1
        return response.status_code < 400

    def _signed(self, prediction: Prediction, message: Message) -> dict[str, str]:
        """Return the three headers of the signature. Its time is the real one, however far the clock was moved."""
        if _applies(prediction, "unsigned_webhook", message.event) is not None:
            return {}
        forged = _applies(prediction, "forge_webhook", message.event) is not None
        key = FORGED_KEY if forged else self.settings.webhook_secret
        back = _applies(prediction, "backdate_webhook", message.event)
        at = datetime.fromtimestamp(int(time.time() - (float(back["seconds"]) if back else 0.0)), UTC)
        return {
            "webhook-id": message.record.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(key).sign(message.record.id, at, message.body.decode()),
        }


def _wanted(prediction: Prediction) -> tuple[str, ...]:
    return DEFAULT_EVENTS if prediction.webhook_events is None else prediction.webhook_events


def _outcome(response: httpx.Response) -> str:
    if response.is_success:
        return "delivered"
    return "redirected" if response.status_code < 400 else "refused"


def _applies(prediction: Prediction, action: str, event: str) -> Options | None:
    """Return the options of a fault action if it applies to this event, else None."""
    options = prediction.faults.get(action)
    return options if options is not None and event in options["events"] else None


def _copies(prediction: Prediction, event: str) -> int:
    """Return the number of extra copies of a message."""
    options = _applies(prediction, "duplicate_webhook", event)
    return int(options["copies"]) if options else 0


def _ready(prediction: Prediction, queue: _Queue, message: Message) -> list[Message]:
    """Return the messages to send now; reordering delays all until the final one, which then goes first."""
    if "reorder_webhooks" not in prediction.faults:
        return [message]
    if message.event != "completed":
        queue.delayed.append(message)
        return []
    return [message, *reversed(queue.delayed)]
