"""The catalogue of what can be requested: themes, and the jobs that the configured models can make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from jobs.catalogue.themes import Theme, themes
from jobs.errors import Invalid, TierRequired
from jobs.providers.choice import ModelChoice, NoModel
from statemachine.deadlines import Deadlines
from statemachine.vocabulary import Kind

# A longer video is for paying users.
FREE_DURATION_S = 6


def may_request(tier: str, duration_s: int) -> bool:
    """Return whether a tier includes videos of this length."""
    return duration_s <= FREE_DURATION_S or tier == "paid"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The themes by their key, and the models that requests are checked against before anything is made."""

    models: ModelChoice = field(default_factory=ModelChoice)
    themes: Mapping[str, Theme] = field(default_factory=themes)
    # How long a job may take from its request, waiting included.
    job_deadline: timedelta = Deadlines().job

    def check_theme(self, theme: str) -> None:
        """Raise Invalid for an unknown theme."""
        if theme not in self.themes:
            raise Invalid(f"Unknown theme {theme[:60]!r}; use one of {', '.join(self.themes)}.", "input", "theme")

    def check_duration(self, tier: str, duration_s: int, *path: str) -> None:
        """Raise TierRequired for a length that only the paid tier includes."""
        if not may_request(tier, duration_s):
            raise TierRequired("A video of 10 seconds needs a paid session; request 6 seconds instead.", *path)

    def check_makeable(self, kind: Kind, tier: str, duration_s: int | None, *path: str) -> None:
        """Raise Invalid, with the reason, for what no configured model can make today."""
        try:
            self.models.profile_for(kind, tier, duration_s)
        except NoModel as error:
            raise Invalid(error.message, *path) from error


DEFAULT_CATALOGUE = Catalogue()
