"""The prompt book: which template a job gets, and what its slots are filled with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from uuid import UUID

from db.engine.claims import ClaimedJob
from jobs.catalogue.experiments import Experiment, experiment_on, experiments
from jobs.catalogue.themes import Theme, themes
from jobs.prompts.templates import PLAIN, Template, Templates, templates
from jobs.prompts.words import cleaned
from statemachine.vocabulary import Kind

_DIGEST_CHARACTERS = 8


class NoPrompt(LookupError):
    """There are no words for a job: its theme is not offered any more."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The text for the model, the version that is kept with each attempt, and the experiment it takes part in."""

    text: str
    version: str
    experiment: str | None = None
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class PromptBook:
    """Templates, themes and the experiments that choose between variants of a template."""

    templates: Templates = field(default_factory=templates)
    themes: Mapping[str, Theme] = field(default_factory=themes)
    experiments: tuple[Experiment, ...] = field(default_factory=experiments)

    def prompt_for(self, job: ClaimedJob, family: str) -> Prompt:
        """Return the prompt of a job for a model family: the same for each of its attempts. Raises NoPrompt."""
        experiment = experiment_on(self.experiments, job.kind, family)
        variant = experiment.variant_for(_unit(job)) if experiment else None
        template = self.templates.by_name[job.kind, family, variant or PLAIN]
        theme = self._theme(job)
        text = template.filled({**_words_of(theme), **self._motion(job, family), "wish": cleaned(job.details or "")})
        return Prompt(text, _version(template, theme), experiment.key if experiment else None, variant)

    def _theme(self, job: ClaimedJob) -> Theme | None:
        if job.kind is Kind.SCENE and job.theme not in self.themes:
            raise NoPrompt(f"there is no theme {job.theme!r} any more")
        return self.themes.get(job.theme or "")

    def _motion(self, job: ClaimedJob, family: str) -> dict[str, str]:
        if job.kind is not Kind.ANIMATION:
            return {}
        words = self.templates.families[family]
        return {
            "motion": words.motions[job.style or "walk_forward"],
            "camera": words.cameras[job.camera or "gentle_pan"],
        }


def _unit(job: ClaimedJob) -> UUID:
    """What an assignment sticks to: the session, or the story or job of a partner that has none."""
    return job.session_id or job.story_id or job.id


def _words_of(theme: Theme | None) -> dict[str, str]:
    """Return the theme's words as values of slots; a video of a scene without a theme has no ambience."""
    return {"ambience": ""} if theme is None else asdict(theme)


# There are as many as templates times themes.
@lru_cache(maxsize=1024)
def _version(template: Template, theme: Theme | None) -> str:
    """Return the template's name and a digest of its words and the theme's: changed words are another version."""
    words = repr((template.lines, theme and sorted(asdict(theme).items())))
    digest = hashlib.sha256(words.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{template.kind}/{template.family}/{template.variant}@{digest}"
