"""The settings of one simulator: ports, speed, limits, secrets. Frozen, with defaults that work unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.clock import LONGEST_S

DEFAULT_WEBHOOK_SECRET = "whsec_c2ltdWxhdG9yLXdlYmhvb2stc2lnbmluZy1rZXk="  # noqa: S105 - published on purpose


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The requests that the account may make per minute. A full bucket is also the largest burst."""

    creates_per_min: int = 600
    others_per_min: int = 3000
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """All options of one simulator."""

    host: str = "127.0.0.1"
    port: int = 0
    """Port of the API; 0 picks a free one."""
    delivery_port: int = 0
    """Port of the output files; 0 picks a free one."""
    public_api_url: str | None = None
    """The URL of the API for clients, if it differs from the listening address (a proxy, a container)."""
    public_delivery_url: str | None = None
    tls_cert_file: str | None = None
    """With a certificate and its key, both listeners speak HTTPS; some clients wrap only https outputs in files."""
    tls_key_file: str | None = None
    tokens: tuple[str, ...] | None = None
    """The accepted API tokens; None accepts any that is not empty."""
    speed: float = 1.0
    """The speed of predictions relative to the real models: 1.0 is about 40 s per image, 120 s per video."""
    instant: bool = False
    """Predictions succeed at their creation, with canned media. For benchmarks."""
    canned: bool = False
    """Outputs ignore the input pictures and prompts: one is drawn per model and size, and nothing is fetched."""
    clock_ahead_s: float = 0.0
    """The seconds that the simulator's clock is ahead of this machine's, or behind it if negative."""
    seed: int | None = None
    """Makes ids, durations and fault probabilities repeatable; None draws them afresh."""
    output_ttl_s: float = 3600.0
    """The seconds that inputs, outputs and logs are kept after completion. Not scaled by `speed`."""
    file_ttl_s: float = 24 * 3600.0
    webhook_secret: str = DEFAULT_WEBHOOK_SECRET
    files_secret: str = "simulator-files"  # noqa: S105 - published on purpose
    """Signs download URLs of the Files API."""
    webhook_timeout_s: float = 5.0
    webhook_retry_at_s: tuple[float, ...] = (2.0, 6.0, 14.0, 30.0, 60.0)
    """The times of retries of a failed final webhook, in seconds after the first attempt, divided by `speed`."""
    rate_limits: RateLimits = field(default_factory=RateLimits)
    min_cancel_after_s: float = 5.0
    run_limit_s: float = 1800.0
    """A prediction that runs or waits for longer fails. Divided by `speed`."""
    reject_unknown_inputs: bool = False
    """If True, an input that the model does not know is an error (422); otherwise it is ignored."""
    max_file_bytes: int = 100_000_000
    media_cache_bytes: int = 256_000_000
    media_workers: int = 2
    account: str = "simulator"
    """The user name of the only account."""
    faults: tuple[Mapping[str, Any], ...] = ()
    """Fault rules to start with."""
    model_files: tuple[str, ...] = ()
    """JSON files that add to the built-in catalogue of models."""

    def __post_init__(self) -> None:
        """Raise ValueError for settings that would fail later, in the middle of a run."""
        if self.speed <= 0:
            raise ValueError(f"speed must be greater than 0, not {self.speed}")
        if not abs(self.clock_ahead_s) <= LONGEST_S:
            raise ValueError(f"the clock may be {LONGEST_S:.0f} seconds off, not {self.clock_ahead_s}")
        if not self.webhook_secret.startswith("whsec_"):
            raise ValueError("webhook_secret must start with 'whsec_', followed by base64")

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return "https" if self.tls_cert_file else "http"

    @property
    def media_is_canned(self) -> bool:
        """True if outputs do not depend on the input."""
        return self.canned or self.instant

    def paced(self, model_s: float) -> float:
        """Return how long `model_s` seconds of the real service take here, in seconds."""
        return model_s / self.speed


@dataclass(frozen=True, slots=True)
class Addresses:
    """The URLs of the two listeners, without a trailing slash."""

    api: str
    delivery: str
