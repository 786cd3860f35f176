"""Tells webhooks what happens to predictions: signed, filtered, throttled, and insisting only on the final event.

The events of one prediction are sent one after the other. A final event that is not taken (no connection, 4xx, 5xx) is
sent again with the same id until about a minute after completion; a redirect counts as taken, because it is never
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

from simulator.clock import Agenda
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
    """What is kept of a message. `attempts` holds a status code, or the name of what went wrong, for each."""

    id: str
    prediction_id: str
    event: str
    url: str
    attempts: list[int | str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return what is told of it at `/_simulator/webhooks`."""
        return {
            "id": self.id,
            "prediction": self.prediction_id,
            "event": self.event,
            "url": self.url,
            "attempts": self.attempts,
        }


@dataclass(frozen=True, slots=True)
class Message:
    """One event on its way: the prediction as it was then. The body, which may be large, is not kept."""

    record: Record
    body: bytes

    @property
    def event(self) -> str:
        """What it tells of."""
        return self.record.event


@dataclass(slots=True)
class _Line:
    """The events of one prediction: what was sent last, and what a fault holds back."""

    last: asyncio.Task[None] | None = None
    throttled_at: float = float("-inf")
    held: list[Message] = field(default_factory=list)


class Webhooks:
    """Sends the events of all predictions."""

    def __init__(
        self,
        settings: SimulatorSettings,
        agenda: Agenda,
        counters: Counters,
        names: Names,
        describe: Callable[[Prediction], dict[str, Any]],
    ) -> None:
        self.settings = settings
        self.agenda = agenda
        self.counters = counters
        self.names = names
        self.describe = describe
        self.sent: deque[Record] = deque(maxlen=KEPT_MESSAGES)
        self._lines: dict[str, _Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = outgoing_client(timeout_s=settings.webhook_timeout_s, follow_redirects=False)

    def announce(self, prediction: Prediction, event: str) -> None:
        """Send an event if the prediction has a webhook that wants it."""
        if prediction.webhook is None:
            return
        line = self._line(prediction, event)
        if event not in _wanted(prediction) or (event in THROTTLED and not self._may_pass(line)):
            return
        message = self._message(prediction, event)
        for each in _in_turn(prediction, line, message):
            self._queue(prediction, line, each)

    def clear(self) -> None:
        """Stop sending, and forget what was sent."""
        for task in self._tasks:
            task.cancel()
        self._lines.clear()
        self.sent.clear()

    async def close(self) -> None:
        """Stop sending and close the connections."""
        tasks = list(self._tasks)
        self.clear()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    def _line(self, prediction: Prediction, event: str) -> _Line:
        """Return the prediction's line, which nothing joins after the final event."""
        line = self._lines.setdefault(prediction.id, _Line())
        if event == "completed":
            del self._lines[prediction.id]
        return line

    def _may_pass(self, line: _Line) -> bool:
        """Whether the last throttled event is long enough ago."""
        now = self.agenda.clock.now()
        if now - line.throttled_at < self.settings.paced(THROTTLE_S):
            return False
        line.throttled_at = now
        return True

    def _message(self, prediction: Prediction, event: str) -> Message:
        assert prediction.webhook is not None, "only predictions with a webhook have messages"
        body = orjson.dumps(self.describe(prediction))
        return Message(Record(f"msg_{self.names.id()}", prediction.id, event, prediction.webhook), body)

    def _queue(self, prediction: Prediction, line: _Line, message: Message) -> None:
        if _applies(prediction, "lose_webhook", message.event) is not None:
            self.counters.webhooks["lost"] += 1
            return
        self.sent.append(message.record)
        task = asyncio.ensure_future(self._send(prediction, message, line.last))
        line.last = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, prediction: Prediction, message: Message, before: asyncio.Task[None] | None) -> None:
        """Send a message after the one before it; copies and repetitions follow."""
        if before is not None:
            await asyncio.wait([before])
        late = _applies(prediction, "delay_webhook", message.event)
        if late is not None:
            await self.agenda.until(self.agenda.clock.now() + float(late["seconds"]))
        taken = await self._attempt(prediction, message)
        for _ in range(_copies(prediction, message.event)):
            await self._attempt(prediction, message)
        if not taken and message.event == "completed":
            self._insist_later(prediction, message)

    def _insist_later(self, prediction: Prediction, message: Message) -> None:
        """Repeat the final event in a task of its own, so that nothing waits for it."""
        task = asyncio.ensure_future(self._insist(prediction, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _insist(self, prediction: Prediction, message: Message) -> None:
        first_at = self.agenda.clock.now()
        for after_s in self.settings.webhook_retry_at_s:
            await self.agenda.until(first_at + self.settings.paced(after_s))
            if await self._attempt(prediction, message):
                return
        self.counters.webhooks["given_up"] += 1

    async def _attempt(self, prediction: Prediction, message: Message) -> bool:
        """Send a message once and return whether it was taken."""
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
        """Return the three headers of the signature. The time is the real one, whatever was added to the clock."""
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
    """Return the options of a fault action if it concerns this event, else None."""
    options = prediction.faults.get(action)
    return options if options is not None and event in options["events"] else None


def _copies(prediction: Prediction, event: str) -> int:
    """Return how many times more than once a message is sent."""
    options = _applies(prediction, "duplicate_webhook", event)
    return int(options["copies"]) if options else 0


def _in_turn(prediction: Prediction, line: _Line, message: Message) -> list[Message]:
    """Return the messages to send now; reordering holds all back until the final one, which then goes first."""
    if "reorder_webhooks" not in prediction.faults:
        return [message]
    if message.event != "completed":
        line.held.append(message)
        return []
    return [message, *reversed(line.held)]
