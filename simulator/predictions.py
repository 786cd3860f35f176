"""Predictions: the state of one, its JSON, and the store of all, in order of creation."""

from __future__ import annotations

from asyncio import Future
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, urlsplit

from simulator.clock import to_text, to_us
from simulator.models.catalogue import Model

Options = Mapping[str, Any]
"""The options of a fault rule's action."""


class Status(StrEnum):
    """The status of a prediction."""

    STARTING = "starting"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    ABORTED = "aborted"

    @property
    def is_terminal(self) -> bool:
        """True if the status can no longer change."""
        return self not in (Status.STARTING, Status.PROCESSING)


@dataclass(frozen=True, slots=True)
class Plan:
    """The durations of a prediction's two phases here, in seconds."""

    queue_s: float
    run_s: float


@dataclass(slots=True, eq=False)
class Prediction:
    """One prediction. `faults` are the actions of the fault rules that apply to it, by name, with their options."""

    id: str
    position: int
    model: Model
    version: str
    input: dict[str, Any]
    created_at: float
    plan: Plan
    faults: Mapping[str, Options]
    price_usd: float
    """The price of a full run. Kept because the input that determines it is removed after an hour."""
    token: str | None = None
    """The correlation token, from the webhook's URL."""
    webhook: str | None = None
    webhook_events: tuple[str, ...] | None = None
    deadline: float | None = None
    deployment: str | None = None
    status: Status = Status.STARTING
    output: Any = None
    error: str | None = None
    logs: str = ""
    started_at: float | None = None
    completed_at: float | None = None
    output_names: list[str] = field(default_factory=list)
    data_removed: bool = False
    waiters: list[Future[None]] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """True if the prediction is in a terminal state."""
        return self.status.is_terminal

    @property
    def prompt(self) -> str:
        """The prompt, or an empty string if the model has none."""
        return str(self.input.get("prompt", ""))

    @property
    def cost_usd(self) -> float:
        """The account's cost: nothing if the prediction failed, was aborted, or was canceled before it started."""
        free = self.status in (Status.FAILED, Status.ABORTED)
        never_ran = self.status is Status.CANCELED and self.started_at is None
        return 0.0 if free or never_ran else self.price_usd

    @property
    def shown_status(self) -> str:
        """The status that clients see, which a fault may replace by an unknown one."""
        unknown = self.faults.get("unknown_status")
        return str(unknown["status"]) if unknown and self.is_over else self.status.value

    def remove_data(self) -> None:
        """Remove inputs, outputs and logs, as the service does an hour after completion."""
        self.input, self.output, self.logs, self.data_removed = {}, None, "", True

    def wake_waiters(self) -> None:
        """Wake the requests that wait for this prediction's output or end."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(None)
        self.waiters.clear()


def correlation_token(webhook: str | None) -> str | None:
    """Return the query parameter `token` of a webhook URL, or None."""
    if webhook is None:
        return None
    found = parse_qs(urlsplit(webhook).query).get("token")
    return found[0] if found else None


def describe(prediction: Prediction, api_url: str) -> dict[str, Any]:
    """Return the prediction object, as in responses, lists and webhooks."""
    url = f"{api_url}/v1/predictions/{prediction.id}"
    body: dict[str, Any] = {
        "id": prediction.id,
        "model": prediction.model.path,
        "version": prediction.version,
        "input": prediction.input,
        "logs": prediction.logs,
        "output": prediction.output,
        "data_removed": prediction.data_removed,
        "error": prediction.error,
        "source": "api",
        "status": prediction.shown_status,
        "created_at": to_text(prediction.created_at),
        "urls": {"cancel": f"{url}/cancel", "get": url, "web": f"https://replicate.com/p/{prediction.id}"},
    }
    body |= _optional(prediction)
    if prediction.is_over:
        body["metrics"] = _metrics(prediction)
    return body


def _optional(prediction: Prediction) -> dict[str, Any]:
    """Return the keys that are omitted while they have no value."""
    times = {
        "started_at": prediction.started_at,
        "completed_at": prediction.completed_at,
        "deadline": prediction.deadline,
    }
    found: dict[str, Any] = {name: to_text(time) for name, time in times.items() if time is not None}
    if prediction.deployment is not None:
        found["deployment"] = prediction.deployment
    if prediction.webhook is not None and "omit_webhook" not in prediction.faults:
        found["webhook"] = prediction.webhook
        if prediction.webhook_events is not None:
            found["webhook_events_filter"] = list(prediction.webhook_events)
    return found


def _metrics(prediction: Prediction) -> dict[str, Any]:
    ended = prediction.completed_at or prediction.created_at
    metrics: dict[str, Any] = {"total_time": round(ended - prediction.created_at, 6)}
    if prediction.started_at is not None:
        metrics["predict_time"] = round(ended - prediction.started_at, 6)
    if prediction.status is Status.SUCCEEDED and prediction.model.kind == "images":
        metrics["image_count"] = len(prediction.output_names)
    return metrics


class PredictionStore:
    """All predictions, by id and in order of creation."""

    def __init__(self) -> None:
        self.by_id: dict[str, Prediction] = {}
        self.in_order: list[Prediction] = []

    def add(self, prediction: Prediction) -> None:
        """Add a new prediction at the end."""
        self.by_id[prediction.id] = prediction
        self.in_order.append(prediction)

    def created_between(self, after: float | None, before: float | None) -> range:
        """Return the positions of the predictions created at or after `after` and before `before`."""
        low = 0 if after is None else self._first_from(after)
        high = len(self.in_order) if before is None else self._first_from(before)
        return range(low, high)

    def newest_first(self, positions: range) -> Iterator[Prediction]:
        """Yield the predictions at these positions, the newest first."""
        for position in reversed(positions):
            yield self.in_order[position]

    def clear(self) -> None:
        """Remove all predictions."""
        self.by_id.clear()
        self.in_order.clear()

    def _first_from(self, time_s: float) -> int:
        return bisect_left(self.in_order, to_us(time_s), key=lambda each: to_us(each.created_at))
