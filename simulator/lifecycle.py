"""Moves predictions from state to state: starting, processing, and one of the four terminal states.

The scheduler makes every move; only a running prediction has its own task, because it may have to fetch its inputs and
wait for a drawing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from simulator.clock import Scheduler
from simulator.faults import files
from simulator.ids import Names
from simulator.inputs import Inputs, ModelFailure
from simulator.media import Easel, Media, Order, orders
from simulator.odd_outputs import odd_output
from simulator.outputs import Output, Outputs
from simulator.predictions import Prediction, Status
from simulator.settings import SimulatorSettings

logger = logging.getLogger(__name__)

SETTLE_S = 1.0
"""The seconds that a prediction with its output still reads `processing`, at speed 1."""
INTERNAL = "Director: unexpected error handling prediction (E9828)"
NEVER_STARTED = "Prediction failed to start in time (E6716)"
RAN_TOO_LONG = "Prediction timed out after running for 30 minutes"

SLOWING = ("stick_starting", "stick_processing", "abort", "slow_run")

Listener = Callable[[Prediction, str], None]
"""Called with a prediction and its event: `start`, `output`, `logs` or `completed`."""


class Lifecycle:
    """Starts, runs and ends predictions, and calls `announce` for each event."""

    def __init__(
        self,
        settings: SimulatorSettings,
        scheduler: Scheduler,
        inputs: Inputs,
        easel: Easel,
        outputs: Outputs,
        names: Names,
        *,
        delivery_url: str,
        announce: Listener,
    ) -> None:
        self.settings = settings
        self.scheduler = scheduler
        self.inputs = inputs
        self.easel = easel
        self.outputs = outputs
        self.names = names
        self.announce = announce
        self.delivery_url = delivery_url
        self._running: dict[str, asyncio.Task[None]] = {}

    def begin(self, prediction: Prediction) -> None:
        """Start the lifecycle of a prediction that was just created. In instant mode, it is over at once."""
        if self.settings.instant and not self._is_slowed(prediction):
            self._run_at_once(prediction)
            return
        created_at = prediction.created_at
        if prediction.deadline is not None:
            self.scheduler.at(prediction.deadline, lambda: self.cancel(prediction, Status.ABORTED))
        if "stick_starting" in prediction.faults:
            give_up_at = created_at + self.settings.paced(self.settings.run_limit_s)
            self.scheduler.at(give_up_at, lambda: self._fail(prediction, NEVER_STARTED))
        else:
            self.scheduler.at(created_at + prediction.plan.queue_s, lambda: self._start(prediction))

    def cancel(self, prediction: Prediction, before_start: Status = Status.CANCELED) -> None:
        """End a prediction; if it has ended already, change nothing.

        If it has not started, it ends as `before_start`: a passed deadline aborts it, its owner cancels it.
        """
        if not prediction.is_over:
            started = prediction.status is Status.PROCESSING
            self._end(prediction, Status.CANCELED if started else before_start)

    async def close(self) -> None:
        """Stop all running predictions."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def clear(self) -> None:
        """Stop all running predictions and cancel all scheduled calls."""
        for task in self._running.values():
            task.cancel()
        self.scheduler.clear()

    def _is_slowed(self, prediction: Prediction) -> bool:
        """Return whether a fault makes the prediction take time even in instant mode."""
        return any(name in prediction.faults for name in SLOWING)

    def _start(self, prediction: Prediction) -> None:
        if prediction.is_over:
            return
        if "abort" in prediction.faults:
            self._end(prediction, Status.ABORTED)
            return
        self._mark_started(prediction)
        self._keep_running(prediction, self._run(prediction))

    def _mark_started(self, prediction: Prediction) -> None:
        prediction.status = Status.PROCESSING
        prediction.started_at = self.scheduler.clock.now()
        self.announce(prediction, "start")
        self._log(prediction, prediction.model.logs["start"])

    def _keep_running(self, prediction: Prediction, life: Coroutine[Any, Any, None]) -> None:
        # The loop has only weak references to tasks: without this one, a prediction could vanish while it runs.
        task = asyncio.ensure_future(life)
        self._running[prediction.id] = task
        task.add_done_callback(lambda done: self._left(prediction, done))

    def _left(self, prediction: Prediction, task: asyncio.Task[None]) -> None:
        self._running.pop(prediction.id, None)
        surprise = None if task.cancelled() else task.exception()
        if surprise is not None:
            logger.error("prediction %s could not be run", prediction.id, exc_info=surprise)
            self._fail(prediction, INTERNAL)

    async def _run(self, prediction: Prediction) -> None:
        assert prediction.started_at is not None, "only a started prediction runs"
        ends_at = prediction.started_at + prediction.plan.run_s
        try:
            made = await self._make(prediction)
        except ModelFailure as failure:
            self._fail(prediction, str(failure))
            return
        if "stick_processing" in prediction.faults:
            await self.scheduler.until(prediction.started_at + self.settings.paced(self.settings.run_limit_s))
            self._fail(prediction, RAN_TOO_LONG)
            return
        await self.scheduler.until(ends_at)
        await self._finish(prediction, made)

    async def _finish(self, prediction: Prediction, made: list[Media]) -> None:
        """Publish the output, or fail if a fault rule says so."""
        failing = prediction.faults.get("fail")
        if failing is not None:
            self._fail(prediction, str(failing["error"]))
            return
        self._log(prediction, _end_line(prediction, self.scheduler.clock.now()))
        self._publish(prediction, [Output(prediction, media) for media in made])
        await self.scheduler.until(self.scheduler.clock.now() + self.settings.paced(SETTLE_S))
        self._end(prediction, Status.SUCCEEDED)

    def _run_at_once(self, prediction: Prediction) -> None:
        self._mark_started(prediction)
        failing = prediction.faults.get("fail")
        if failing is not None:
            self._fail(prediction, str(failing["error"]))
            return
        self._publish(prediction, self._canned_outputs(prediction))
        self._end(prediction, Status.SUCCEEDED)

    async def _make(self, prediction: Prediction) -> list[Media]:
        """Return the output files, or an empty list if the model's output is text."""
        model, given = prediction.model, prediction.input
        refused = model.refusal(given) or _prompt_refusal(prediction)
        if refused:
            raise ModelFailure(refused)
        if model.kind == "text":
            return []
        canned = self.settings.media_is_canned
        picture = None if canned else await self.inputs.picture(model, given)
        drawings = [self._draw(prediction, order, picture) for order in orders(model, given, canned=canned)]
        return list(await asyncio.gather(*drawings))

    async def _draw(self, prediction: Prediction, order: Order, picture: bytes | None) -> Media:
        source = None if "foreign_output" in prediction.faults else picture
        media = await self.easel.fill(prediction.model, order, source)
        if files.is_spoiled(prediction.faults):
            return await self.easel.in_thread(lambda: files.spoil(media, prediction.faults))
        return media

    def _canned_outputs(self, prediction: Prediction) -> list[Output]:
        """Return outputs that are drawn when they are first downloaded."""
        model = prediction.model
        if model.kind == "text":
            return []
        return [self._canned(prediction, order) for order in orders(model, prediction.input, canned=True)]

    def _canned(self, prediction: Prediction, order: Order) -> Output:
        return Output(prediction, None, lambda: self._draw(prediction, order, None))

    def _publish(self, prediction: Prediction, made: list[Output]) -> None:
        """Serve the files and set their URLs in the prediction, unless they expire on completion."""
        if prediction.is_over or self._ttl_s(prediction) <= 0:
            return
        for index, output in enumerate(made):
            path = f"/xezq/{self.names.long()}/{_file_name(prediction, index)}"
            prediction.output_names.append(path)
            if "lose_file" not in prediction.faults:
                self.outputs.put(path, output)
        prediction.output = self._output_value(prediction, made)
        self.announce(prediction, "output")
        prediction.wake_waiters()

    def _output_value(self, prediction: Prediction, made: list[Output]) -> Any:
        if prediction.model.kind == "text":
            return prediction.model.output["template"].format_map(prediction.input)
        urls = [self.delivery_url + name for name in prediction.output_names]
        is_list = prediction.model.kind == "images"
        if "empty_output" in prediction.faults:
            return [] if is_list else None
        if "odd_output" in prediction.faults:
            return odd_output(prediction.faults["odd_output"]["shape"], made)
        if "wrong_output_type" in prediction.faults:
            is_list = not is_list
        return urls if is_list else urls[0]

    def _fail(self, prediction: Prediction, error: str) -> None:
        if not prediction.is_over:
            prediction.error = error
            self._log(prediction, f"{error}\n")
            self._end(prediction, Status.FAILED)

    def _end(self, prediction: Prediction, status: Status) -> None:
        if prediction.is_over:
            return
        prediction.status = status
        prediction.completed_at = self.scheduler.clock.now()
        if status is not Status.SUCCEEDED:
            self._withdraw(prediction)
        self.announce(prediction, "completed")
        prediction.wake_waiters()
        self._expire_later(prediction, prediction.completed_at + self._ttl_s(prediction))

    def _expire_later(self, prediction: Prediction, at: float) -> None:
        if at <= self.scheduler.clock.now():
            # A scheduled call would come after the first read, and the fault would show only now and then.
            self._expire(prediction)
        else:
            self.scheduler.at(at, lambda: self._expire(prediction))

    def _withdraw(self, prediction: Prediction) -> None:
        """Remove the outputs of a prediction that did not succeed after all, and stop its task."""
        self.outputs.remove(prediction.output_names)
        prediction.output = None
        running = self._running.get(prediction.id)
        if running is not None and running is not asyncio.current_task():
            running.cancel()

    def _ttl_s(self, prediction: Prediction) -> float:
        early = prediction.faults.get("expire_output")
        return self.settings.output_ttl_s if early is None else float(early["seconds"])

    def _expire(self, prediction: Prediction) -> None:
        self.outputs.remove(prediction.output_names)
        prediction.remove_data()

    def _log(self, prediction: Prediction, text: str) -> None:
        if text:
            prediction.logs += text
            self.announce(prediction, "logs")


def _prompt_refusal(prediction: Prediction) -> str | None:
    limit = prediction.model.prompt_limit_chars
    length = len(prediction.prompt)
    return f"Prompt must be at most {limit} characters, not {length}" if limit and length > limit else None


def _end_line(prediction: Prediction, now: float) -> str:
    ran_s = now - (prediction.started_at or now)
    return prediction.model.logs["end"].format(run_s=ran_s)


def _file_name(prediction: Prediction, index: int) -> str:
    if prediction.model.kind == "video":
        return "output.mp4"
    return f"out-{index}.{prediction.model.completed(prediction.input)[prediction.model.output['format_input']]}"
