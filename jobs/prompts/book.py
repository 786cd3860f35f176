"""The prompt book: selects a job's template and the values of its slots."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from db.engine.claims import ClaimedJob
from jobs.catalogue.experiments import Experiment, experiment_on, experiments
from jobs.catalogue.themes import Theme, themes
from jobs.prompts.templates import PLAIN, Template, Templates, templates
from jobs.prompts.words import cleaned
from statemachine.vocabulary import Kind

_DIGEST_CHARACTERS = 8


class NoPrompt(LookupError):
    """A job has no prompt: its theme is no longer offered."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The text for the model, the version stored with each attempt, and the experiment it takes part in."""

    text: str
    version: str
    experiment: str | None = None
    variant: str | None = None


class Asked(Protocol):
    """The part of a job's request that is put into words."""

    @property
    def kind(self) -> Kind:
        """Return what the job makes."""

    @property
    def theme(self) -> str | None:
        """Return the key of the theme of a scene."""

    @property
    def details(self) -> str | None:
        """Return the user's own words."""

    @property
    def style(self) -> str | None:
        """Return the movement of the figure in a video."""

    @property
    def camera(self) -> str | None:
        """Return the movement of the camera in a video."""


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
        version = self._version(template, theme)
        return Prompt(self._text(template, theme, job), version, experiment.key if experiment else None, variant)

    def prompt_sent(self, asked: Asked, version: str) -> str | None:
        """Return the text of an earlier prompt by its version, or None where the words of the version have changed."""
        theme = self.themes.get(asked.theme or "")
        for template in self.templates.by_name.values():
            if self._version(template, theme) == version:
                return self._text(template, theme, asked)
        return None

    def _text(self, template: Template, theme: Theme | None, asked: Asked) -> str:
        motion = self._motion(asked, template.family)
        return template.filled({**_words_of(theme), **motion, "wish": cleaned(asked.details or "")})

    def _version(self, template: Template, theme: Theme | None) -> str:
        motions = self.templates.families[template.family].words if template.kind is Kind.ANIMATION else ()
        return _version(template, theme, motions)

    def _theme(self, job: ClaimedJob) -> Theme | None:
        if job.kind is Kind.SCENE and job.theme not in self.themes:
            raise NoPrompt(f"theme {job.theme!r} no longer exists")
        return self.themes.get(job.theme or "")

    def _motion(self, job: Asked, family: str) -> dict[str, str]:
        if job.kind is not Kind.ANIMATION:
            return {}
        words = self.templates.families[family]
        return {
            "motion": words.motions[job.style or "walk_forward"],
            "camera": words.cameras[job.camera or "gentle_pan"],
        }


def _unit(job: ClaimedJob) -> UUID:
    """Return the unit of an experiment's assignment: the session, or the story or job if there is none."""
    return job.session_id or job.story_id or job.id


def _words_of(theme: Theme | None) -> dict[str, str]:
    """Return the theme's texts as slot values; a video of a scene without a theme has no ambience."""
    return {"ambience": ""} if theme is None else asdict(theme)


# There is one entry per template and theme.
@lru_cache(maxsize=1024)
def _version(template: Template, theme: Theme | None, motions: tuple[str, ...]) -> str:
    """Return the template's name and a digest of its text, the theme's and that of all motions.

    A changed text is a new version.
    """
    words = repr((template.lines, theme and sorted(asdict(theme).items()), motions))
    digest = hashlib.sha256(words.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{template.kind}/{template.family}/{template.variant}@{digest}"
