"""What a run of the simulator is told: ports, pace, limits, secrets. Frozen, with defaults that work as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.clock import LONGEST_S

DEFAULT_WEBHOOK_SECRET = "whsec_c2ltdWxhdG9yLXdlYmhvb2stc2lnbmluZy1rZXk="  # noqa: S105 - published on purpose


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How many requests a minute the account may make. A full bucket is also the largest burst."""

    creates_per_min: int = 600
    others_per_min: int = 3000
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """Everything that can be chosen about one simulator."""

    host: str = "127.0.0.1"
    port: int = 0
    """Port of the API; 0 takes a free one."""
    delivery_port: int = 0
    """Port that serves the output files; 0 takes a free one."""
    public_api_url: str | None = None
    """The address clients use for the API, where it differs from the listening one (a proxy, a container)."""
    public_delivery_url: str | None = None
    tls_cert_file: str | None = None
    """With a certificate and its key both listeners speak HTTPS; some clients wrap only https outputs in files."""
    tls_key_file: str | None = None
    tokens: tuple[str, ...] | None = None
    """The accepted API tokens; None accepts any that is not empty."""
    speed: float = 1.0
    """How many times faster than the real models predictions run: 1.0 is about 40 s an image, 120 s a video."""
    instant: bool = False
    """Predictions have succeeded when their creation is answered, with canned media. For benchmarks."""
    canned: bool = False
    """Outputs ignore the input pictures and prompts: one is drawn per model and size, and nothing is fetched."""
    clock_ahead_s: float = 0.0
    """How far the simulator's clock is ahead of this machine's, or behind it where negative."""
    seed: int | None = None
    """Makes ids, durations and fault probabilities repeatable; None draws them afresh."""
    output_ttl_s: float = 3600.0
    """How long after completion inputs, outputs and logs are kept. Not scaled by `speed`."""
    file_ttl_s: float = 24 * 3600.0
    webhook_secret: str = DEFAULT_WEBHOOK_SECRET
    files_secret: str = "simulator-files"  # noqa: S105 - published on purpose
    """Signs download URLs of the Files API."""
    webhook_timeout_s: float = 5.0
    webhook_retry_at_s: tuple[float, ...] = (2.0, 6.0, 14.0, 30.0, 60.0)
    """When a failed final webhook is sent again, in seconds after the first attempt, divided by `speed`."""
    rate_limits: RateLimits = field(default_factory=RateLimits)
    min_cancel_after_s: float = 5.0
    run_limit_s: float = 1800.0
    """A prediction that runs or waits for longer fails. Divided by `speed`."""
    reject_unknown_inputs: bool = False
    """Whether an input the model does not know is an error (422) or ignored."""
    max_file_bytes: int = 100_000_000
    media_cache_bytes: int = 256_000_000
    media_workers: int = 2
    account: str = "simulator"
    """The user name of the one account there is."""
    faults: tuple[Mapping[str, Any], ...] = ()
    """Fault rules that are in force from the start."""
    model_files: tuple[str, ...] = ()
    """JSON files that add to the built-in catalogue of models."""

    def __post_init__(self) -> None:
        """Refuse what could only fail later, in the middle of a run."""
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
        """Whether outputs are the same whatever the input."""
        return self.canned or self.instant

    def paced(self, model_s: float) -> float:
        """Return how long `model_s` seconds of the real service take here, in seconds."""
        return model_s / self.speed


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the two listeners are reached, without a trailing slash."""

    api: str
    delivery: str
