"""What a prompt asks the camera and the figure to do."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Direction:
    """Camera: `zoom` is the last frame's magnification less 1, `pan` and `rise` the view's way right and up.

    `style` is walk, wave, look or idle.
    """

    zoom: float = 0.04
    pan: float = 0.0
    rise: float = 0.0
    style: str = "walk"


_CAMERA = (
    (r"static|fixed camera|locked", (0.0, 0.0, 0.0)),
    (r"pan(s|ning)?\s+(slowly |gently )?(to the )?left|truck left", (0.06, -1.0, 0.0)),
    (r"pan(s|ning)?\s+(slowly |gently )?(to the )?right|truck right", (0.06, 1.0, 0.0)),
    (r"push(es)? in|zoom(s)? in|dolly in|moves? closer", (0.11, 0.0, 0.0)),
    (r"pull(s)? (out|back)|zoom(s)? out|dolly out", (-0.09, 0.0, 0.0)),
    (r"pedestal up|tilt(s)? up", (0.06, 0.0, 1.0)),
    (r"pedestal down|tilt(s)? down", (0.06, 0.0, -1.0)),
    (r"pan(s|ning)?\b", (0.06, 1.0, 0.0)),
)
_STYLES = (("wave", r"wav(e|es|ing)\b"), ("look", r"looks?(ing)? around"), ("idle", r"\bidl(e|es|ing)\b|stands? still"))


def read_direction(prompt: str) -> Direction:
    """Return the direction in the prompt; without one the figure walks and the camera moves in a little."""
    text = " ".join(prompt.lower().split())
    zoom, pan, rise = next((move for pattern, move in _CAMERA if re.search(pattern, text)), (0.04, 0.0, 0.0))
    style = next((name for name, pattern in _STYLES if re.search(pattern, text)), "walk")
    return Direction(zoom, pan, rise, style)
