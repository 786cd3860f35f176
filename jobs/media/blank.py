"""Finds videos that show nothing: black throughout, or the same picture throughout.

Runs in the child process only. Most videos are cleared by their second picture; every picture is compared only of a
suspicious one.
"""

from __future__ import annotations

from itertools import chain
from typing import Final

from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from jobs.media.errors import Blank

# A cell is 10×10 pixels of 1920×1080: small enough for a blink, and large enough to even out what encoding changes.
CELLS: Final = (192, 108)
# Luma from 16 (black) to 235 (white): up to here nothing can be seen on a screen in a lit room.
BLACK_MAX: Final = 24
# Quantization changed the cells of still pictures by up to 6 at the worst quality; a blink changes some by 30.
STILL_MAX: Final = 6


class BlankCheck:
    """Compares the pictures of one video, given one after the other, with black and with the first of them."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._first = b""
        self._is_black = True
        self._is_still = True

    def add(self, picture: VideoFrame) -> None:
        """Take the next picture into account."""
        if not self._is_black and not self._is_still:
            return
        cells = _cells(self._reformatter, picture)
        self._first = self._first or cells
        self._is_black = self._is_black and max(cells) <= BLACK_MAX
        self._is_still = self._is_still and _is_alike(cells, self._first)

    def conclude(self) -> None:
        """Raise `Blank` if all pictures were black, or all the same."""
        if self._is_black:
            raise Blank("The video is black from beginning to end.")
        if self._is_still:
            raise Blank("Nothing moves in the video.")


def is_black(picture: VideoFrame) -> bool:
    """Return whether nothing can be seen in a picture."""
    return max(_cells(VideoReformatter(), picture)) <= BLACK_MAX


def _cells(reformatter: VideoReformatter, picture: VideoFrame) -> bytes:
    width, height = CELLS
    small = reformatter.reformat(picture, width, height, "yuv420p", interpolation=Interpolation.AREA)
    luma, stride = bytes(small.planes[0]), small.planes[0].line_size
    return bytes(chain.from_iterable(luma[row * stride : row * stride + width] for row in range(height)))


def _is_alike(one: bytes, other: bytes) -> bool:
    return one == other or all(abs(a - b) <= STILL_MAX for a, b in zip(one, other, strict=True))
