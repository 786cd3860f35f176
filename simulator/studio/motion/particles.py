"""Particles that drift through the air of a scene: snow, sparks, bubbles, leaves or motes, as its colours suggest."""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

from simulator.studio.colours import Colour
from simulator.studio.filters import mask_of

_LEVELS = 12


@dataclass(frozen=True, slots=True)
class Kind:
    """The look and the motion of one sort of particle. Speeds are shares of the picture's height a second."""

    colours: tuple[Colour, ...]
    rise: float
    drift: float
    wander: float
    size: float
    hollow: bool = False
    count: int = 46


KINDS = {
    "snow": Kind(((255, 255, 255), (226, 240, 255)), -0.11, 0.03, 0.02, 0.007),
    "sparks": Kind(((255, 196, 92), (255, 146, 66)), 0.10, 0.02, 0.03, 0.0045),
    "bubbles": Kind(((210, 246, 255), (160, 226, 250)), 0.09, 0.0, 0.015, 0.010, hollow=True),
    "leaves": Kind(((206, 226, 120), (240, 220, 130)), -0.06, 0.05, 0.04, 0.006),
    "motes": Kind(((255, 244, 206), (255, 255, 240)), 0.02, 0.015, 0.02, 0.004),
}
_WORDS = (
    ("snow", r"snow|alpine|summit|winter"),
    ("bubbles", r"reef|underwater|bubble|ocean floor|deep sea"),
    ("sparks", r"spark|ember|fire|lava|neon"),
    ("leaves", r"leaf|leaves|forest|jungle|firefl"),
)


def kind_for(prompt: str, scene: Image.Image) -> Kind:
    """Return the particles that the prompt names, or else those that suit the scene's overall colour."""
    text = prompt.lower()
    named = next((name for name, pattern in _WORDS if re.search(pattern, text)), None)
    return KINDS[named or _suggested(scene)]


def _suggested(scene: Image.Image) -> str:
    red, green, blue = (int(part) for part in np.asarray(scene.resize((1, 1), Image.Resampling.BOX))[0, 0])
    if min(red, green, blue) > 150 and blue >= red:
        return "snow"
    if green > red + 12 and blue > red + 40:
        return "bubbles"
    if green > red + 6 and green > blue + 6:
        return "leaves"
    return "sparks" if red > blue + 30 and red + green + blue < 360 else "motes"


@dataclass(frozen=True, slots=True)
class Particle:
    """One particle: where it starts, as shares of the picture, and what makes it differ from the next."""

    x: float
    y: float
    depth: float
    phase: float
    colour: Colour


class Drift:
    """A cloud of particles over a picture of `size_px`."""

    def __init__(self, kind: Kind, size_px: tuple[int, int], rng: random.Random) -> None:
        self._kind, self._size = kind, size_px
        self._particles = [
            Particle(rng.random(), rng.random(), rng.uniform(0.45, 1.5), rng.uniform(0, 6.3), rng.choice(kind.colours))
            for _ in range(kind.count)
        ]
        self._sprites = {p: _faded(max(1.2, kind.size * p.depth * size_px[1]), kind.hollow) for p in self._particles}

    def paint(self, frame: Image.Image, at_s: float) -> None:
        """Paint the particles as they are at `at_s`; they fade in, so that the first frame is the scene itself."""
        strength = min(1.0, max(0.0, at_s - 0.08) / 0.9)
        if strength <= 0:
            return
        for particle in self._particles:
            x, y, glow = self._where(particle, at_s)
            sprite = self._sprites[particle][round(glow * strength * _LEVELS)]
            place = (round(x * self._size[0] - sprite.width / 2), round(y * self._size[1] - sprite.height / 2))
            frame.paste(particle.colour, (*place, place[0] + sprite.width, place[1] + sprite.height), sprite)

    def _where(self, particle: Particle, at_s: float) -> tuple[float, float, float]:
        kind, near = self._kind, particle.depth
        swing = math.sin(at_s * 1.7 + particle.phase) * kind.wander
        x = (particle.x + kind.drift * near * at_s + swing + 0.1) % 1.2 - 0.1
        y = (particle.y - kind.rise * near * at_s + 0.1) % 1.2 - 0.1
        return x, y, 0.62 + 0.3 * math.sin(at_s * 2.3 + particle.phase * 2)


def _faded(radius_px: float, hollow: bool) -> list[Image.Image]:
    """Return the sprite at each of its brightnesses, made once: making them for every frame cost half a second."""
    sprite = _sprite(radius_px, hollow)
    return [sprite.point([round(value * level / _LEVELS) for value in range(256)]) for level in range(_LEVELS + 1)]


def _sprite(radius_px: float, hollow: bool) -> Image.Image:
    reach = math.ceil(radius_px * 2.2)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    distance = np.sqrt(x * x + y * y) / np.float32(radius_px)
    ring = np.exp(-(((distance - 1) / 0.22) ** 2)) + 0.7 * np.exp(
        -((x / radius_px + 0.4) ** 2 + (y / radius_px + 0.4) ** 2) * 22
    )
    dot = np.exp(-(distance**2) * 1.4) + 0.25 * np.exp(-(distance**2) * 0.5)
    return mask_of(((ring * 0.8 + 0.1 * (distance < 1)) if hollow else dot).astype(np.float32))
