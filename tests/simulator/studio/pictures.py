"""Photographs drawn by code, and measures of likeness."""

from __future__ import annotations

import io
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from simulator.studio.filters import box, luma, pixels_of

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Person:
    """The person in a drawn photograph, and the place of the face."""

    skin: Colour = (226, 178, 150)
    hair: Colour = (92, 58, 36)
    shirt: Colour = (52, 120, 190)
    wall: Colour = (186, 196, 190)
    x: float = 0.5
    y: float = 0.4
    face_height: float = 0.36


ANNA = Person()
BORIS = Person(skin=(142, 96, 70), hair=(30, 26, 30), shirt=(200, 60, 60), wall=(120, 150, 120), x=0.42)


def photo(person: Person = ANNA, size: tuple[int, int] = (360, 360)) -> Image.Image:
    """Return a soft, slightly noisy portrait."""
    width, height = size
    tall = person.face_height * height
    x, y, wide = person.x * width, person.y * height, tall * 0.4
    image = Image.new("RGB", size, person.wall)
    draw = ImageDraw.Draw(image)

    def oval(at_x: float, at_y: float, across: float, down: float, colour: Colour) -> None:
        draw.ellipse([at_x - across, at_y - down, at_x + across, at_y + down], fill=colour)

    shade = (person.skin[0] * 4 // 5, person.skin[1] * 3 // 4, person.skin[2] * 3 // 4)
    oval(x, y + tall * 1.55, tall * 1.15, tall * 0.85, person.shirt)
    draw.rectangle([x - wide * 0.5, y, x + wide * 0.5, y + tall * 0.85], fill=shade)
    oval(x, y - tall * 0.14, wide * 1.32, tall * 0.6, person.hair)
    oval(x, y + tall * 0.04, wide, tall * 0.5, person.skin)
    for side in (-1, 1):
        oval(x + side * wide * 0.42, y - tall * 0.14, wide * 0.2, tall * 0.045, (40, 30, 30))
        draw.line([x + side * wide * 0.2, y - tall * 0.22, x + side * wide * 0.64, y - tall * 0.22], person.hair, 3)
    oval(x, y + tall * 0.1, wide * 0.15, tall * 0.03, shade)
    oval(x, y + tall * 0.26, wide * 0.36, tall * 0.045, (150, 60, 60))
    noise = np.random.default_rng(3).normal(0, 4, (height, width, 3))
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(width / 240)), dtype=np.float64)
    return Image.fromarray(np.clip(soft + noise, 0, 255).astype(np.uint8), "RGB")


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    """Return the picture as bytes."""
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    """Return the picture in `data`, which must be PNG."""
    image = Image.open(io.BytesIO(data))
    assert image.format == "PNG"
    return image.convert("RGB")


def frames_of(film: bytes) -> list[Image.Image]:
    """Return all frames of a film."""
    with av.open(io.BytesIO(film), "r") as container:
        return [
            frame.to_image()  # type: ignore[no-untyped-call]
            for frame in container.decode(video=0)
        ]


def palette(image: Image.Image) -> NDArray[np.float64]:
    """Return the shares of 216 colour cells."""
    cells = (np.asarray(image.convert("RGB"), dtype=np.int64) * 6 // 256).reshape(-1, 3)
    counts = np.bincount(cells @ np.array([36, 6, 1]), minlength=216).astype(np.float64)
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares


def shared_colours(first: Image.Image, second: Image.Image) -> float:
    """Return the share of colours that two pictures have in common, from 0 to 1."""
    return float(np.minimum(palette(first), palette(second)).sum())


def correlation(first: Image.Image, second: Image.Image) -> float:
    """Return the correlation of two pictures' brightness, from -1 to 1."""
    a, b = (luma(pixels_of(image.resize((48, 48), Image.Resampling.BOX))).ravel() for image in (first, second))
    return float(np.corrcoef(a, b)[0, 1])


def ssim(first: Image.Image, second: Image.Image) -> float:
    """Return the structural similarity of two pictures of one size; 1 is the same."""
    a, b = luma(pixels_of(first)), luma(pixels_of(second))
    mean_a, mean_b = box(a, 4), box(b, 4)
    var_a, var_b = box(a * a, 4) - mean_a**2, box(b * b, 4) - mean_b**2
    together = box(a * b, 4) - mean_a * mean_b
    top = (2 * mean_a * mean_b + 0.0001) * (2 * together + 0.0009)
    return float((top / ((mean_a**2 + mean_b**2 + 0.0001) * (var_a + var_b + 0.0009))).mean())


def difference(first: Image.Image, second: Image.Image) -> float:
    """Return the mean difference of two pictures of one size, from 0 to 1."""
    return float(np.abs(pixels_of(first) - pixels_of(second)).mean())
