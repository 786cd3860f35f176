"""Settings: the words that ask for one, its light, and the painting behind and before the figure."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from simulator.studio.canvas import Canvas
from simulator.studio.colours import Colour

Painter = Callable[[Canvas, random.Random], None]


@dataclass(frozen=True, slots=True)
class Light:
    """The light that a setting throws on a figure.

    `tint` multiplies the figure's colours by `strength` (0 to 1), `bounce` multiplies them towards the ground,
    `rim` glows on the edge at `side` (-1: left, 1: right), `shadow` is the colour of what the figure casts.
    """

    tint: Colour
    rim: Colour
    bounce: Colour
    shadow: Colour
    strength: float = 0.5
    side: int = 1


@dataclass(frozen=True, slots=True)
class Setting:
    """One place a figure can stand in. Any of `words` in a prompt asks for it; the longest match wins."""

    name: str
    words: tuple[str, ...]
    light: Light
    behind: Painter
    before: Painter
