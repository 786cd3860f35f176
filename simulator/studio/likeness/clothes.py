"""The colours a person wears and has: what the drawn body is coloured with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from simulator.studio.colours import Colour, lightness_of, mix, saturation_of, toned
from simulator.studio.filters import Pixels, luma, pixels_of
from simulator.studio.likeness.faces import Face, skin_likeness
from simulator.studio.pictures import sampled

_INK_BLUE: Colour = (44, 52, 82)
_CREAM: Colour = (246, 230, 194)
_SAMPLE_PX = 72


@dataclass(frozen=True, slots=True)
class Colouring:
    """The five colours of a drawn body."""

    skin: Colour
    top: Colour
    trousers: Colour
    shoes: Colour
    trim: Colour


def read_colouring(photo: Image.Image, face: Face) -> Colouring:
    """Return the colours of the person whose `face` is measured in pixels of `photo`."""
    worn = _dominant(_below(photo, face), 4)
    top = _wearable(worn[0])
    second = next((colour for colour in worn[1:] if _apart(colour, top) > 90), mix(_INK_BLUE, top, 0.12))
    trousers = _darker_than(_wearable(second), top)
    accent = _liveliest([*worn[1:], *_dominant(pixels_of(_sample(photo)), 5)], top)
    trim = _CREAM if lightness_of(accent) < 0.25 else accent
    return Colouring(_skin(photo, face), top, trousers, toned(accent, lightness=0.9), trim)


def _sample(photo: Image.Image) -> Image.Image:
    return photo.resize((_SAMPLE_PX, _SAMPLE_PX), Image.Resampling.BOX)


def _below(photo: Image.Image, face: Face) -> Pixels:
    """Return the part where clothes are: under the chin, three faces wide; the picture's foot when there is none."""
    top = min(face.y + 0.85 * face.height, photo.height * 0.9)
    frame = (face.x - 1.3 * face.width, top, face.x + 1.3 * face.width, top + 2.6 * face.height)
    return pixels_of(sampled(photo, frame, (_SAMPLE_PX, _SAMPLE_PX)))


def _skin(photo: Image.Image, face: Face) -> Colour:
    """Return the median of the face's lighter half: shadows and brows would make it muddy."""
    reach = 0.3 * face.width
    frame = (face.x - reach, face.y - 0.1 * face.height, face.x + reach, face.y + 0.3 * face.height)
    pixels = pixels_of(sampled(photo, frame, (40, 40))).reshape(-1, 3)
    skin = skin_likeness(pixels[None])[0] > 0.3
    chosen = pixels[skin] if skin.sum() > 80 else pixels
    lit = chosen[luma(chosen) >= np.median(luma(chosen))]
    return _colour(np.median(lit, axis=0))


def _colour(value: Pixels) -> Colour:
    r, g, b = (int(np.clip(part * 255, 0, 255)) for part in value)
    return r, g, b


def _dominant(pixels: Pixels, count: int) -> list[Colour]:
    """Return the most frequent colours, the most frequent first; colourful ones count more than grey ones."""
    image = Image.fromarray((pixels * 255).astype(np.uint8), "RGB")
    reduced = image.quantize(count + 2, Image.Quantize.MEDIANCUT)
    palette = reduced.getpalette() or []
    shares = [(n, i) for i, n in enumerate(reduced.histogram()) if n]
    colours = [(n, (palette[3 * i], palette[3 * i + 1], palette[3 * i + 2])) for n, i in shares]
    ranked = sorted(colours, key=lambda item: item[0] * (0.45 + saturation_of(item[1])), reverse=True)
    return [colour for _, colour in ranked[:count]]


def _apart(first: Colour, second: Colour) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(first, second, strict=True)) ** 0.5)


def _wearable(colour: Colour) -> Colour:
    """Return the colour as cloth in a comic: neither so dark that folds vanish nor so pale that it is paper."""
    lightness = lightness_of(colour)
    lively = toned(colour, saturation=1.15)
    if lightness < 0.2:
        return mix(lively, (92, 98, 122), (0.2 - lightness) * 2.4)
    return mix(lively, (120, 124, 140), (lightness - 0.86) * 2.0) if lightness > 0.86 else lively


def _darker_than(colour: Colour, top: Colour) -> Colour:
    return mix(colour, _INK_BLUE, 0.7) if lightness_of(colour) > lightness_of(top) - 0.04 else colour


def _liveliest(colours: list[Colour], top: Colour) -> Colour:
    """Return the liveliest colour that is not the top's own, made lively enough for a trim."""
    best = max(colours, key=lambda colour: saturation_of(colour) * 120 + min(_apart(colour, top), 160))
    return toned(best, lightness=1.15, saturation=1.3)
