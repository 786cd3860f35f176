"""The rule by which pictures of any shape become 16:9: cropped where little is lost by it, padded with black otherwise.

Bars that are part of the pictures are cut off before. Imports no codec.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

WIDTH_PX: Final = 1920
HEIGHT_PX: Final = 1080
ASPECT: Final = Fraction(WIDTH_PX, HEIGHT_PX)

# At least this much of a picture is shown: 3:2 and 2:1 are cropped, 4:3, squares, upright pictures and 2.39:1 padded.
SHOWN_MIN: Final = Fraction(4, 5)
# Bars of a video that is as wanted already may differ by so many pixels from those that it would be given.
SAME_PX: Final = 12

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """Say where the pictures of one video go.

    `size` is that of the coded pictures, `active` the part of them without bars: left, top, right, bottom in pixels.
    `quarter_turn` is the rotation to upright, in degrees, and `pixel_aspect` a coded pixel's width ÷ height.
    """

    size: tuple[int, int]
    active: Box
    quarter_turn: int
    pixel_aspect: Fraction

    @property
    def upright(self) -> tuple[int, int]:
        """Return the columns and rows of pixels of the active part, once it is upright."""
        left, top, right, bottom = self.active
        columns, rows = right - left, bottom - top
        return (rows, columns) if self._is_turned else (columns, rows)

    @property
    def shape(self) -> tuple[Fraction, Fraction]:
        """Return the width and height of the active part, upright and in square pixels."""
        columns, rows = self.upright
        across, down = (Fraction(1), self.pixel_aspect) if self._is_turned else (self.pixel_aspect, Fraction(1))
        return columns * across, rows * down

    @property
    def aspect(self) -> Fraction:
        """Return the width ÷ height of the active part as it is seen."""
        width, height = self.shape
        return width / height

    @property
    def shown(self) -> Fraction:
        """Return the share of the active part that a crop to 16:9 shows."""
        return min(self.aspect / ASPECT, ASPECT / self.aspect)

    @property
    def is_padded(self) -> bool:
        """Return whether the active part is shown whole, between bars, because a crop would lose too much."""
        return self.shown < SHOWN_MIN

    @property
    def placed(self) -> Box:
        """Return where the active part stands in the finished picture; in even pixels, because two share a color."""
        if not self.is_padded:
            return 0, 0, WIDTH_PX, HEIGHT_PX
        shape = self.shape
        factor = min(WIDTH_PX / shape[0], HEIGHT_PX / shape[1])
        width, height = (max(2, 2 * round(side * factor / 2)) for side in shape)
        left, top = (WIDTH_PX - width) // 4 * 2, (HEIGHT_PX - height) // 4 * 2
        return left, top, left + width, top + height

    @property
    def keeps_pictures(self) -> bool:
        """Return whether the pictures are framed as wanted already, whether they have bars or not."""
        moved = (abs(now - then) for now, then in zip(self.active, self.placed, strict=True))
        return self.size == (WIDTH_PX, HEIGHT_PX) and self.quarter_turn == 0 and max(moved) <= SAME_PX

    @property
    def _is_turned(self) -> bool:
        return self.quarter_turn in (90, 270)


AS_IT_IS: Final = Layout((WIDTH_PX, HEIGHT_PX), (0, 0, WIDTH_PX, HEIGHT_PX), 0, Fraction(1))
