"""The shapes that videos come in, each with where its pictures stand in the finished one: a page lists them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from PIL import Image

from tests.jobs.media.making import CONFORMING, Video

Shares = tuple[float, float, float, float]
WHOLE: Shares = (0, 0, 1, 1)


@dataclass(frozen=True)
class Shape:
    """A video of `size`, in words, and what becomes of it.

    `bars` are the black edges that are drawn into it: left, top, right, bottom in pixels, and `blurred` lets them end
    in a gradient. `placed` is where the rest stands in 1920×1080, and `shown` which part of it is seen, in shares.
    """

    name: str
    size: tuple[int, int]
    becomes: str
    placed: tuple[int, int, int, int] = (0, 0, 1920, 1080)
    shown: Shares = WHOLE
    bars: tuple[int, int, int, int] = (0, 0, 0, 0)
    pixel_aspect: Fraction = Fraction(1)
    rotation: int = 0
    blurred: bool = False
    is_copied: bool = False

    def video(self) -> Video:
        """Return the video, whose colors tell the place: red grows to the right, green downward."""
        base = CONFORMING if self.is_copied else Video(rate=5, matrix=1, tag=1)
        return Video(
            **{
                **vars(base),
                "size": self.size,
                "still": self.picture(),
                "pixel_aspect": self.pixel_aspect,
                "rotation": self.rotation,
            }
        )

    def picture(self) -> Image.Image:
        """Return a picture of the video, without the speck that moves in it."""
        left, top, right, bottom = self.bars
        width, height = self.size[0] - left - right, self.size[1] - top - bottom
        picture = Image.new("RGB", self.size)
        picture.paste(places((width, height)), (left, top))
        if self.blurred:
            small = picture.resize((self.size[0] // 40, self.size[1] // 40), Image.Resampling.BOX)
            return small.resize(self.size, Image.Resampling.BICUBIC)
        return picture


def places(size: tuple[int, int]) -> Image.Image:
    """Return a picture in which each color stands for a place; no place is dark."""
    across = Image.linear_gradient("L").rotate(90).resize(size)
    down = Image.linear_gradient("L").resize(size)
    return Image.merge("RGB", (across, down, Image.new("L", size, 120)))


PADDED_4_3 = (240, 0, 1680, 1080)
PADDED_9_16 = (656, 0, 1264, 1080)

SHAPES = (
    Shape("16:9", (1280, 720), "shown whole"),
    Shape("1.85:1", (1184, 640), "cropped", shown=(0.0195, 0, 0.9805, 1)),
    Shape("2:1", (1280, 640), "cropped", shown=(0.0556, 0, 0.9444, 1)),
    Shape("3:2", (768, 512), "cropped", shown=(0, 0.0781, 1, 0.9219)),
    Shape("4:3", (640, 480), "shown whole between bars at its sides", PADDED_4_3),
    Shape("1:1", (480, 480), "shown whole between bars at its sides", (420, 0, 1500, 1080)),
    Shape("9:16", (360, 640), "shown whole between bars at its sides", PADDED_9_16),
    Shape("2.39:1", (956, 400), "shown whole between bars above and below", (0, 138, 1920, 942)),
    Shape(
        "4:3 in pixels that are not square",
        (720, 480),
        "shown whole between bars at its sides",
        PADDED_4_3,
        pixel_aspect=Fraction(8, 9),
    ),
    Shape("16:9, to be turned upright", (640, 360), "shown whole between bars at its sides", PADDED_9_16, rotation=90),
    Shape("4:3 with bars around 16:9", (640, 480), "bars removed, shown whole", bars=(0, 60, 0, 60)),
    Shape("16:9 with bars around 1:1", (1280, 720), "its bars stay", (420, 0, 1500, 1080), bars=(280, 0, 280, 0)),
    Shape("16:9 with bars on all sides of 16:9", (1280, 720), "bars removed, shown whole", bars=(160, 90, 160, 90)),
    Shape(
        "16:9 with bars around 1.85:1",
        (1280, 720),
        "bars removed, cropped",
        shown=(0.0195, 0, 0.9805, 1),
        bars=(0, 14, 0, 14),
    ),
    Shape(
        "16:9 with bars around 2.39:1, as promised",
        (1920, 1080),
        "copied with its bars",
        (0, 138, 1920, 942),
        bars=(0, 138, 0, 138),
        is_copied=True,
    ),
    Shape("16:9, black on one side only", (1280, 720), "shown whole", (240, 0, 1920, 1080), bars=(160, 0, 0, 0)),
)
