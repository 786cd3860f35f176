"""Choosing the model of a job: by its kind and, for videos, its duration, among the configured ones."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.providers.profiles import Profile, profiles
from statemachine.states import Kind


class NoModel(LookupError):
    """No configured model can serve the request. The message says which could."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The configured models, in the order of preference."""

    models: tuple[str, ...] = ("openai/gpt-image-1", "minimax/video-01-live")

    def __post_init__(self) -> None:
        unknown = [model for model in self.models if model not in profiles()]
        if unknown:
            raise NoModel(f"unknown model {', '.join(unknown)}; known are {', '.join(profiles())}")

    def profile_for(self, kind: Kind, duration_s: int | None) -> Profile:
        """Return the first configured model that can make this, or raise NoModel."""
        for model in self.models:
            profile = profiles()[model]
            if kind in profile.kinds and (duration_s is None or duration_s in profile.durations_s):
                return profile
        length = f" of {duration_s} s" if duration_s else ""
        raise NoModel(f"no configured model makes a {kind}{length}")
