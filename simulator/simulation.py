"""One simulated Replicate: all of its state, and the ways to create and remove predictions."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.clock import Clock, Scheduler
from simulator.counters import Counters
from simulator.faults.rules import Faults
from simulator.files import Files
from simulator.ids import Names
from simulator.inputs import Inputs
from simulator.lifecycle import Lifecycle
from simulator.limits import Limits
from simulator.media import Easel, Studio
from simulator.models import Catalogue, Model, load
from simulator.outputs import Outputs
from simulator.predictions import Options, Plan, Prediction, PredictionStore, correlation_token, describe
from simulator.settings import Addresses, SimulatorSettings
from simulator.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class PredictionRequest:
    """A client's request for a prediction, after validation."""

    model: Model
    version: str
    input: dict[str, Any]
    webhook: str | None = None
    webhook_events: tuple[str, ...] | None = None
    cancel_after_s: float | None = None
    deployment: str | None = None


class Simulation:
    """The state behind both listeners. It belongs to one event loop; nothing is safe to call from another thread."""

    def __init__(self, settings: SimulatorSettings, addresses: Addresses, studio: Studio) -> None:
        self.settings = settings
        self.addresses = addresses
        self.catalogue: Catalogue = load(settings.model_files)
        self.clock = Clock(settings.clock_ahead_s)
        self.scheduler = Scheduler(self.clock)
        self.names = Names(settings.seed)
        self.counters = Counters()
        self.limits = Limits(settings.rate_limits, self.clock)
        self.faults = Faults(self.clock, settings.seed)
        self.predictions = PredictionStore()
        self.runs: Counter[str] = Counter()
        """Accepted predictions by model."""
        self.files = Files(self.scheduler, self.names, settings.file_ttl_s)
        self.outputs = Outputs()
        self.own_models: dict[str, dict[str, Any]] = {}
        self.own_readmes: dict[str, str] = {}
        self.deployments: dict[str, dict[str, Any]] = {}
        self.inputs = Inputs(self._find_own)
        self.easel = _easel(settings, studio)
        self.webhooks = Webhooks(settings, self.scheduler, self.counters, self.names, self.describe)
        self.lifecycle = self._new_lifecycle()
        self._random = random.Random(settings.seed)  # noqa: S311 - durations must be repeatable, not secret
        for rule in settings.faults:
            self.faults.add(rule)

    def _new_lifecycle(self) -> Lifecycle:
        return Lifecycle(
            self.settings,
            self.scheduler,
            self.inputs,
            self.easel,
            self.outputs,
            self.names,
            delivery_url=self.addresses.delivery,
            announce=self.webhooks.announce,
        )

    def describe(self, prediction: Prediction) -> dict[str, Any]:
        """Return the prediction object, as in responses, lists and webhooks."""
        return describe(prediction, self.addresses.api)

    def create(self, request: PredictionRequest, faults: Mapping[str, Options]) -> Prediction:
        """Accept a prediction and start its lifecycle."""
        prediction = self._entry(request, faults)
        self.predictions.add(prediction)
        self.runs[request.model.path] += 1
        self.lifecycle.begin(prediction)
        return prediction

    def reset(self) -> None:
        """Remove everything that clients and tests have added; catalogue, addresses and clock stay."""
        self.lifecycle.clear()
        for prediction in self.predictions.in_order:
            # A creation that waits for output would otherwise keep waiting.
            prediction.wake_waiters()
        self.webhooks.clear()
        self.faults.clear()
        self.counters.clear()
        self.limits.refill()
        for store in (self.predictions, self.outputs, self.files, self.runs):
            store.clear()
        for own in (self.own_models, self.own_readmes, self.deployments):
            own.clear()

    async def close(self) -> None:
        """Stop everything that runs."""
        await self.lifecycle.close()
        await self.webhooks.close()
        await self.inputs.close()
        self.easel.close()

    def _entry(self, request: PredictionRequest, faults: Mapping[str, Options]) -> Prediction:
        created_at = self.clock.now()
        after_s = request.cancel_after_s
        return Prediction(
            id=self.names.id(),
            position=len(self.predictions.in_order),
            model=request.model,
            version=request.version,
            input=request.input,
            created_at=created_at,
            plan=self._plan(request.model, faults),
            faults=faults,
            price_usd=request.model.price_usd(request.input),
            token=correlation_token(request.webhook),
            webhook=request.webhook,
            webhook_events=request.webhook_events,
            deadline=None if after_s is None else created_at + after_s,
            deployment=request.deployment,
        )

    def _plan(self, model: Model, faults: Mapping[str, Options]) -> Plan:
        slower = float(faults["slow_run"]["factor"]) if "slow_run" in faults else 1.0
        queue_s = 0.0 if self.settings.instant else model.draw_queue_s(self._random)
        run_s = 0.0 if self.settings.instant and slower == 1.0 else model.draw_run_s(self._random) * slower
        return Plan(self.settings.paced(queue_s), self.settings.paced(run_s))

    def _find_own(self, url: str) -> bytes | None:
        """Return the bytes behind one of our own URLs, or None if it is not ours or does not exist."""
        if url.startswith(f"{self.addresses.delivery}/"):
            output = self.outputs.find(url.removeprefix(self.addresses.delivery))
            return output.media.content if output and output.media else None
        if url.startswith(f"{self.addresses.api}/v1/files/"):
            file = self.files.find(url.rpartition("/")[2])
            return file.content if file else None
        return None


def _easel(settings: SimulatorSettings, studio: Studio) -> Easel:
    return Easel(
        studio,
        seed=settings.seed or 0,
        cache_bytes=settings.media_cache_bytes,
        workers=settings.media_workers,
    )
