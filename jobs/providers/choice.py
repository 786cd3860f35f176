"""Choosing the model of a job: by its kind, its caller's tier and, for videos, its length, among the configured ones.

The first configured model that can make it today is taken. One that its maker has ended, or whose key is not set, is
passed over, so a list may name tomorrow's model behind today's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

from jobs.providers.profiles import Profile, profiles
from statemachine.vocabulary import Kind

# The two that the pipeline was made for come first; what follows each does what that one can not, or not any more.
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
        """What the model takes, returns and costs."""
        return profiles()[self.model]


def today_utc() -> date:
    """Return the date."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The configured models, in the order of preference. `keys` names the secrets that are set."""

    models: tuple[str, ...] = DEFAULT_MODELS
    keys: frozenset[str] = frozenset()
    today: Callable[[], date] = today_utc

    def __post_init__(self) -> None:
        _read(self.models)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The configured models, usable or not."""
        return _read(self.models)

    def profile_for(
        self, kind: Kind, tier: str, duration_s: int | None, besides: Collection[str] = frozenset()
    ) -> Profile:
        """Return the first configured model that can make this today, or raise NoModel. A picture has no length.

        Where there is another one, none of `besides` is taken.
        """
        makers = list(self._makers(kind, tier, duration_s))
        if not makers:
            raise self._none_for(kind, tier, duration_s)
        return next((maker for maker in makers if maker.model not in besides), makers[0])

    def durations_of(self, kind: Kind, tier: str) -> tuple[int, ...]:
        """Return the lengths in seconds that can be made, the shortest first; none for pictures."""
        return tuple(sorted({length for profile in self._usable(kind, tier) for length in profile.durations_s}))

    def unusable(self, profile: Profile) -> str | None:
        """Return why a model can not be used today whatever is asked for, or None where it can."""
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
        """Say what stands in the way: no model of the kind, none that is usable today, or none of that length."""
        thing = "a scene" if kind is Kind.SCENE else f"an {kind}"
        lengths = self.durations_of(kind, tier)
        if duration_s is not None and lengths:
            offered = " or ".join(str(length) for length in lengths)
            return NoModel(f"No configured model makes {thing} of {duration_s} s; ask for {offered} s.")
        passed_over = [
            f"{entry.model} is passed over: {reason}."
            for entry in self._entries_for(kind, tier)
            if (reason := self.unusable(entry.profile)) is not None
        ]
        return NoModel(f"No configured model can make {thing} at present.", " ".join(passed_over))


@cache
def _read(models: tuple[str, ...]) -> tuple[Entry, ...]:
    """Return the entries of a configuration; raise NoModel for an unknown one."""
    return tuple(Entry.read(text) for text in models)
