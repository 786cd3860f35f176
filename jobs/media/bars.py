"""Finds the black bars that are part of a video's pictures. Runs in the child process only.

A dark scene must not be taken for one with bars, so bars are only what is black to the pixel, ends sharply, is as wide
on both sides and stands in every picture looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Final

from av.video.frame import VideoFrame
from PIL import Image

from jobs.media.errors import Damaged
from jobs.media.framing import layout_of
from jobs.media.layout import Box, Layout
from jobs.media.limits import VideoLimits
from jobs.media.probe import pixel_aspect
from jobs.media.source_video import DOES_NOT_DECODE, open_video

# From 0, black, to 255: what coarse encoding leaves in a bar is below.
BLACK_MAX: Final = 20
# So far inside the edge, where no encoder has blurred it, at least this share of the line is not black.
EDGE_PX: Final = 4
LIT_MIN: Final = 0.5
BAR_MIN_PX: Final = 4
# How much the two bars, and those of different pictures, may differ: encoding blurs the edge, and few are centered.
DIFFERENCE_MAX_PX: Final = 6
# The blurred edge itself is cut off with the bar.
BLURRED_PX: Final = 2
# Pictures that are looked at once the first one has bars. Most videos have none, and cost a single picture.
EVERY: Final = 10


def measure_layout(source: Path, limits: VideoLimits) -> Layout:
    """Return how the pictures of a video are framed; raises a `MediaError` for one that does not decode."""
    with open_video(source, limits) as opened:
        pictures = opened.pictures()
        first = next(pictures, None)
        if first is None:
            raise Damaged(DOES_NOT_DECODE, "no picture decodes")
        return layout_of(first, pixel_aspect(opened.stream), active_area(chain([first], pictures)))


def active_area(pictures: Iterable[VideoFrame]) -> Box | None:
    """Return the part of the pictures inside their bars: left, top, right, bottom; None where they have none.

    Black pictures say nothing, so that a video may fade in.
    """
    area: Box | None = None
    for number, picture in enumerate(pictures):
        if area is not None and number % EVERY:
            continue
        gray = _gray(picture)
        lit = gray.point([255 * (value > BLACK_MAX) for value in range(256)])
        content = lit.getbbox()
        if content is None:
            continue
        found = _inside_bars(lit, content)
        if found == (0, 0, *gray.size) or (area is not None and not _is_same(area, found)):
            return None
        area = found if area is None else _joined(area, found)
    return None if area is None else _trimmed(area, gray.size)


def _gray(picture: VideoFrame) -> Image.Image:
    gray = picture.reformat(format="gray")
    return Image.frombytes("L", (gray.width, gray.height), bytes(gray.planes[0]), "raw", "L", gray.planes[0].line_size)


def _inside_bars(lit: Image.Image, content: Box) -> Box:
    """Return the picture without the bars around its content, and with those sides whole that have no true bars."""
    left, top, right, bottom = content
    near, far = EDGE_PX, EDGE_PX + 1
    columns = ((left + near, top, left + far, bottom), (right - far, top, right - near, bottom))
    rows = ((left, top + near, right, top + far), (left, bottom - far, right, bottom - near))
    across = (left, right) if _are_bars(left, lit.width - right, lit, columns) else (0, lit.width)
    down = (top, bottom) if _are_bars(top, lit.height - bottom, lit, rows) else (0, lit.height)
    return across[0], down[0], across[1], down[1]


def _are_bars(one_px: int, other_px: int, lit: Image.Image, edges: Iterable[Box]) -> bool:
    """Return whether both bars are wide enough, about equal, and end at a line that is mostly lit."""
    return (
        min(one_px, other_px) >= BAR_MIN_PX
        and abs(one_px - other_px) <= DIFFERENCE_MAX_PX
        and all(_lit_share(lit, edge) >= LIT_MIN for edge in edges)
    )


def _lit_share(lit: Image.Image, line: Box) -> float:
    part = lit.crop(line)
    return part.histogram()[255] / (part.width * part.height)


def _is_same(one: Box, other: Box) -> bool:
    return all(abs(a - b) <= DIFFERENCE_MAX_PX for a, b in zip(one, other, strict=True))


def _joined(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])


def _trimmed(area: Box, size: tuple[int, int]) -> Box:
    """Return the area without its blurred edge where there is a bar, in even pixels, because two share a color."""
    left, top, right, bottom = area
    starts = ((at + BLURRED_PX + 1) // 2 * 2 if at else 0 for at in (left, top))
    stops = ((at - BLURRED_PX) // 2 * 2 if at < side else side for at, side in zip((right, bottom), size, strict=True))
    return (*starts, *stops)  # type: ignore[return-value]  # Two and two.
