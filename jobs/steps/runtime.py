"""The parts of a worker process. The entry point builds them once; each step is given those that it uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from sqlalchemy import Engine

from db.elapsed import Instant, this_instant
from jobs.engine.lease_times import Leases
from jobs.engine.leases import Renewer
from jobs.engine.recorder import Recorder
from jobs.prompts import PromptBook
from jobs.providers.absent import AbsentProvider
from jobs.providers.choice import ModelChoice
from jobs.providers.inputs import PictureInputs
from jobs.providers.limiter import Limiter, NoLimiter
from jobs.providers.pair import ProviderPair
from jobs.providers.provider import Provider
from jobs.providers.unavailable_models import UnavailableModels
from jobs.signing import ManifestSigner
from jobs.steps.lost import LIST_SETTLES_AFTER_S
from jobs.tracking.durations import Durations
from jobs.tracking.poll_schedule import PollSchedule
from jobs.tracking.poll_times import PollTimes
from jobs.tracking.watcher_status import CachedWatcherStatus
from jobs.upkeep.retention import RetentionPolicy
from statemachine.backoff import JobPolicy
from storage import S3Store


@dataclass(frozen=True, slots=True)
class Runtime:
    """The parts of all steps together. `rng` spreads retries; the time is the database's, read with each job."""

    engine: Engine
    store: S3Store
    provider: Provider
    inputs: PictureInputs
    recorder: Recorder
    renewer: Renewer
    limiter: Limiter = field(default_factory=NoLimiter)
    leases: Leases = field(default_factory=Leases)
    policy: JobPolicy = field(default_factory=JobPolicy)
    polling: PollSchedule = field(default_factory=PollSchedule)
    durations: Durations = field(default_factory=Durations)
    watcher_status: CachedWatcherStatus = field(default_factory=CachedWatcherStatus)
    models: ModelChoice = field(default_factory=ModelChoice)
    unavailable_models: UnavailableModels = field(default_factory=UnavailableModels)
    prompts: PromptBook = field(default_factory=PromptBook)
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    # Signs the outputs, where the operator has a certificate.
    signer: ManifestSigner | None = None
    # Drawn into the outputs; printable ASCII, or empty for none.
    visible_label: str = ""
    # Keys that travel in a model's input, by the name the profile gives them.
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    list_settles_after_s: float = LIST_SETTLES_AFTER_S
    # The origin at which the provider's webhooks reach us, as `https://host`; without it, none are requested.
    public_url: str | None = None
    # The stand-in to which test jobs go; by default there is none.
    test_provider: Provider = field(default_factory=AbsentProvider)
    rng: Random = field(default_factory=Random)
    # The clock by which this process notices that it was stopped; everything written goes by the database's clock.
    instant: Callable[[], Instant] = this_instant

    @property
    def providers(self) -> ProviderPair:
        """Return the provider and the stand-in."""
        return ProviderPair(self.provider, self.test_provider)

    @property
    def of_test_jobs(self) -> Runtime:
        """Return the parts of the steps of test jobs: the stand-in, and nothing by which it could touch live jobs.

        It has no part in the budgets, the breaker and the reading of the provider's list, sends no webhooks, and gets
        no key of ours.
        """
        return replace(
            self,
            provider=self.test_provider,
            inputs=PictureInputs(self.store, uploads_to=self.test_provider if self.inputs.uploads_to else None),
            limiter=NoLimiter(),
            watcher_status=CachedWatcherStatus(),
            unavailable_models=UnavailableModels(),
            secrets=dict.fromkeys(self.secrets, "test"),
            public_url=None,
        )

    @property
    def poll_times(self) -> PollTimes:
        """Return the poll schedule with what it depends on."""
        return PollTimes(self.polling, self.durations, self.watcher_status, self.public_url is not None, self.rng)
