"""Choose the model of a job from the configured ones, by kind, caller's tier and, for videos, length.

The first configured model that can make it today is chosen. A model past its end date, or whose key is not set, is
skipped, so a list may name tomorrow's model behind today's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

from jobs.providers.profiles import Profile, profiles
from statemachine.vocabulary import Kind

# The pipeline was made for the first of each kind; the second replaces it where it is unable or past its end.
DEFAULT_MODELS = (
    "openai/gpt-image-1",
    "openai/gpt-image-2.5-sunburst",
    "minimax/video-01-live",
    "minimax/hailuo-2.3",
)
TIERS = ("free", "paid")


class NoModel(LookupError):
    """No configured model can serve the request. `message` can be shown to the caller; `detail` is for operators."""

    def __init__(self, message: str, detail: str = "") -> None:
        self.message = message
        self.detail = detail
        super().__init__(f"{message} {detail}".rstrip())


@dataclass(frozen=True, slots=True)
class Entry:
    """One configured model, for one tier only where `tier` is set. Written `model`, or `paid:model`."""

    model: str
    tier: str | None = None

    @classmethod
    def read(cls, text: str) -> Entry:
        """Return the entry of its written form; raise NoModel for an unknown model or tier."""
        tier, _, model = text.rpartition(":")
        if model not in profiles():
            raise NoModel(f"unknown model {model}; known are {', '.join(profiles())}")
        if tier and tier not in TIERS:
            raise NoModel(f"unknown tier {tier}; a model is written as its name, or as {' or '.join(TIERS)}:name")
        return cls(model, tier or None)

    @property
    def profile(self) -> Profile:
        """Return the model's inputs, outputs and prices."""
        return profiles()[self.model]


def today_utc() -> date:
    """Return today's date in UTC."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The configured models, in order of preference. `keys` names the secrets that are set."""

    models: tuple[str, ...] = DEFAULT_MODELS
    keys: frozenset[str] = frozenset()
    today: Callable[[], date] = today_utc

    def __post_init__(self) -> None:
        _read(self.models)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Return the configured models, usable or not."""
        return _read(self.models)

    def profile_for(
        self, kind: Kind, tier: str, duration_s: int | None, besides: Collection[str] = frozenset()
    ) -> Profile:
        """Return the first configured model that can make this today, or raise NoModel. A picture has no length.

        Models in `besides` are chosen only if there is no other.
        """
        makers = list(self._makers(kind, tier, duration_s))
        if not makers:
            raise self._none_for(kind, tier, duration_s)
        return next((maker for maker in makers if maker.model not in besides), makers[0])

    def durations_of(self, kind: Kind, tier: str) -> tuple[int, ...]:
        """Return the possible lengths in seconds, shortest first; empty for pictures."""
        return tuple(sorted({length for profile in self._usable(kind, tier) for length in profile.durations_s}))

    def unusable(self, profile: Profile) -> str | None:
        """Return the reason why a model cannot be used today for any request, or None if it can."""
        if profile.ends is not None and profile.ends <= self.today():
            return f"its maker ended it on {profile.ends}"
        if profile.secret is not None and profile.secret not in self.keys:
            return f"it needs {profile.secret.upper()}"
        return None

    def _usable(self, kind: Kind, tier: str) -> Iterator[Profile]:
        for entry in self._entries_for(kind, tier):
            if self.unusable(entry.profile) is None:
                yield entry.profile

    def _makers(self, kind: Kind, tier: str, duration_s: int | None) -> Iterator[Profile]:
        for profile in self._usable(kind, tier):
            if duration_s is None or duration_s in profile.durations_s:
                yield profile

    def _entries_for(self, kind: Kind, tier: str) -> Iterator[Entry]:
        for entry in self.entries:
            if kind in entry.profile.kinds and entry.tier in (None, tier):
                yield entry

    def _none_for(self, kind: Kind, tier: str, duration_s: int | None) -> NoModel:
        """Return the error that names the obstacle: no model of the kind, none usable today, or none of that length."""
        thing = "a scene" if kind is Kind.SCENE else f"an {kind}"
        lengths = self.durations_of(kind, tier)
        if duration_s is not None and lengths:
            offered = " or ".join(str(length) for length in lengths)
            return NoModel(f"No configured model makes {thing} of {duration_s} s; choose {offered} s.")
        passed_over = [
            f"{entry.model} is skipped: {reason}."
            for entry in self._entries_for(kind, tier)
            if (reason := self.unusable(entry.profile)) is not None
        ]
        return NoModel(f"No configured model can make {thing} at present.", " ".join(passed_over))


@cache
def _read(models: tuple[str, ...]) -> tuple[Entry, ...]:
    """Return the entries of a configuration; raise NoModel for an unknown one."""
    return tuple(Entry.read(text) for text in models)
