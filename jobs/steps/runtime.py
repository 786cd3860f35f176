"""What a worker process is made of. The entry point builds it once; everything below is handed it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Protocol
from uuid import UUID

from sqlalchemy import Engine

from db.elapsed import Instant, this_instant
from db.engine.claims import ClaimedJob
from jobs.engine.leases import KeptLease, Renewer
from jobs.engine.recorder import Recorder
from jobs.prompts import PromptBook
from jobs.providers.choice import ModelChoice
from jobs.providers.inputs import PictureInputs
from jobs.providers.limiter import Limiter, NoLimiter
from jobs.providers.provider import Provider
from jobs.providers.unavailable_models import UnavailableModels
from jobs.tracking.durations import Durations
from jobs.tracking.poll_schedule import PollSchedule
from jobs.tracking.watcher_status import Watched
from jobs.upkeep.retention import RetentionPolicy
from statemachine.backoff import JobPolicy
from statemachine.vocabulary import Step
from storage import S3Store

# Which share of a worker's threads a step may take, so that a slow one cannot starve the others.
THREAD_SHARE: dict[Step, float] = {
    Step.SUBMIT: 0.5,
    Step.POLL: 1.0,
    Step.STORE: 0.5,
    Step.TRANSCODE: 0.25,
    Step.COMPENSATE: 0.5,
}


@dataclass(frozen=True, slots=True)
class Leases:
    """How long a claim lasts. Steps that may take longer renew theirs.

    A submission is not interrupted to renew its lease, so that one lasts as long as the answer may take, too.
    """

    usual: timedelta = timedelta(seconds=60)
    answer_within: timedelta = timedelta(seconds=60)

    def of(self, step: Step) -> timedelta:
        """Return how long a claim of a step lasts."""
        return self.usual + self.answer_within if step is Step.SUBMIT else self.usual


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
    limiter: Limiter = field(default_factory=NoLimiter)
    leases: Leases = field(default_factory=Leases)
    policy: JobPolicy = field(default_factory=JobPolicy)
    polling: PollSchedule = field(default_factory=PollSchedule)
    durations: Durations = field(default_factory=Durations)
    watched: Watched = field(default_factory=Watched)
    models: ModelChoice = field(default_factory=ModelChoice)
    gone_models: UnavailableModels = field(default_factory=UnavailableModels)
    prompts: PromptBook = field(default_factory=PromptBook)
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    # Keys that travel in a model's input, by the name the profile gives them.
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    # A create that was lost may still be on its way: the provider's list is believed only this long after it.
    list_settles_after_s: float = 10.0
    # How long after its start a submission that went on without its job is looked for at first.
    sweep_first_after_s: float = 60.0
    # Where the provider's webhooks reach us, as `https://host`; without it, none are asked for.
    public_url: str | None = None
    rng: Random = field(default_factory=Random)
    # How this process notices that it was stopped; everything that is written goes by the database's clock.
    instant: Callable[[], Instant] = this_instant

    def keeping(self, job: ClaimedJob, step: Step) -> AbstractContextManager[KeptLease]:
        """Keep the lease of a long step alive for as long as the block runs, up to the deadline of the step or job."""
        ends_at = self.policy.deadlines.end_of(job.state, job.entered_at, job.deadline_at)
        return self.renewer.keeping(job.claim, self.leases.of(step), ends_at)

    def webhook_for(self, token: UUID) -> str | None:
        """Return the address that the provider tells of the attempt with this token, or None."""
        return None if self.public_url is None else f"{self.public_url}/webhooks/replicate?token={token}"
