"""The words that the models are given: a template a kind and a model family, versioned."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from db.claims import ClaimedJob
from jobs.themes import Theme, themes
from statemachine.states import Kind

VERSION = "2026-11-21"

_DETAILS_LENGTH_MAX = 300


@dataclass(frozen=True, slots=True)
class Prompt:
    """The text for the model, and the version of its template, which is kept with each attempt."""

    text: str
    version: str


def prompt_for(job: ClaimedJob, family: str) -> Prompt:
    """Return the prompt of a job for a model family."""
    match job.kind:
        case Kind.AVATAR:
            text = _AVATAR
        case Kind.SCENE:
            text = _scene(themes()[job.theme or ""], job.details)
        case Kind.ANIMATION:
            text = _animation(job)
    return Prompt(text, f"{job.kind}/{family}/{VERSION}")


_AVATAR = """\
Task: a character sheet picture of one comic avatar, to be placed into scenes later.
Image 1: a photo of a person (or an animal). Keep who it is: face shape, hair, skin tone, eye colour, facial hair, \
glasses and distinctive marks.
Style: modern comic, clean ink outlines, flat cel shading with soft highlights, lively colours.
Framing: one single figure, full body visible from head to feet with shoes included, standing, seen from the front at \
eye level, friendly expression, arms relaxed, margin all around the figure.
Clothing: in the spirit of the photo, complete to the shoes, fitting the age.
Background: plain light neutral background, soft contact shadow under the feet, nothing else.
Constraints: no text, no watermark, no logos, no frame, no extra people, no cropped limbs."""


def _scene(theme: Theme, details: str | None) -> str:
    wish = cleaned(details) if details else ""
    asked = f'\nThe user also wishes, as a description of the setting only: "{wish}".' if wish else ""
    return f"""\
Task: one wide scene for a short film, made of the avatar and a new setting.
Theme: {theme.name}.
Image 1: the avatar. Keep the same character design, face, outfit, proportions and line style; change only pose and \
light.
Setting: {theme.setting}. Palette: {theme.palette}.{asked}
Placement: full body visible, feet included, standing on the ground in the centre third, about half as tall as the \
picture, with free ground in front to walk on.
Light: match the light direction of the setting on the avatar, add a contact shadow under the feet.
Safe area: keep the top and bottom 8 % free of anything important, for the picture is cropped to 16:9.
Constraints: modern comic style with clean ink outlines, no text, no watermark, no logos, no extra people."""


_MOTION = {
    "walk_forward": "The character walks slowly toward the camera, arms swinging naturally",
    "wave": "The character waves one hand and smiles at the camera",
    "look_around": "The character looks around, first to one side, then to the other",
    "idle": "The character stands and breathes calmly, shifting its weight",
}
_CAMERA = {
    "gentle_pan": "the camera pans gently to the right",
    "static": "the camera stays still",
    "push_in": "the camera pushes in slowly",
    "pull_out": "the camera pulls out slowly",
}


def _animation(job: ClaimedJob) -> str:
    """Live models want 10 to 30 words that say what moves, not what is seen."""
    motion = _MOTION[job.style or "walk_forward"]
    camera = _CAMERA[job.camera or "gentle_pan"]
    theme = themes().get(job.theme or "")
    ambience = f", {theme.ambience}" if theme else ""
    return f"{motion}, {camera}{ambience}. Same art style, no cuts."


def cleaned(words: str) -> str:
    """Return a user's words fit for a quoted slot: one line, no control characters, no quotes, bounded."""
    folded = unicodedata.normalize("NFKC", words)
    plain = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in folded)
    unquoted = plain.translate(dict.fromkeys(map(ord, '"“”„«»`<>{}[]|\\'), " "))
    return " ".join(unquoted.split())[:_DETAILS_LENGTH_MAX]
