"""What a worker process is made of. The entry point builds it once; everything below is handed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Protocol

from sqlalchemy import Engine

from db.claims import ClaimedJob
from jobs.leases import Renewer
from jobs.providers.choice import ModelChoice
from jobs.providers.inputs import PictureInputs
from jobs.providers.provider import Provider
from jobs.recorder import Recorder
from statemachine.backoff import RetryPolicy
from statemachine.states import Step
from storage import S3Store


@dataclass(frozen=True, slots=True)
class StepSettings:
    """How a step is worked on: how long a claim lasts, and which share of the worker's threads it may take.

    A slow step with a share below 1 can not starve the others of threads.
    """

    lease_for: timedelta
    thread_share: float = 1.0


STEP_SETTINGS: dict[Step, StepSettings] = {
    # Longer than the provider's answer may take, so that a lease never ends under a submission.
    Step.SUBMIT: StepSettings(timedelta(seconds=120), thread_share=0.5),
    Step.POLL: StepSettings(timedelta(seconds=60)),
    Step.STORE: StepSettings(timedelta(seconds=60), thread_share=0.5),
    Step.TRANSCODE: StepSettings(timedelta(seconds=60), thread_share=0.25),
    Step.COMPENSATE: StepSettings(timedelta(seconds=60), thread_share=0.5),
}


@dataclass(frozen=True, slots=True)
class PollSettings:
    """How often a running generation is looked at: a share of the time it has taken so far, within bounds."""

    least_s: float = 1.0
    most_s: float = 10.0
    share_of_elapsed: float = 0.15

    def wait_s(self, elapsed_s: float) -> float:
        """Return the seconds until the next look after `elapsed_s` of work."""
        return min(self.most_s, max(self.least_s, elapsed_s * self.share_of_elapsed))


class Handover(Protocol):
    """Passing a job on to its next step within the process, claimed by the very move that made it due."""

    def reserve(self, step: Step) -> timedelta | None:
        """Set a place aside for a job of `step` and return how long to hold it for; None where there is no room."""

    def deliver(self, step: Step, job: ClaimedJob | None) -> None:
        """Fill the place with the job, or give the place up where the move came to nothing."""


class NoHandover:
    """Every step is claimed anew."""

    def reserve(self, step: Step) -> timedelta | None:
        """There is never room."""
        return None

    def deliver(self, step: Step, job: ClaimedJob | None) -> None:
        """Nothing was reserved."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything a step needs. `rng` spreads retries; the clock is the database's, read with each claimed job."""

    engine: Engine
    store: S3Store
    provider: Provider
    inputs: PictureInputs
    recorder: Recorder
    renewer: Renewer
    handover: Handover = field(default_factory=NoHandover)
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    polling: PollSettings = field(default_factory=PollSettings)
    models: ModelChoice = field(default_factory=ModelChoice)
    # Keys that travel in a model's input, by the name the profile gives them.
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    # A create that was lost may still be on its way: the provider's list is believed only this long after it.
    list_settles_after_s: float = 10.0
    rng: Random = field(default_factory=Random)
