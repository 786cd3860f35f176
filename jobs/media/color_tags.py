"""Puts right what a video says of its colors, where FFmpeg could not convert from it. Runs in the child process only.

The numbers are those that H.264 and its relatives use for color matrices, primaries and transfer curves.
"""

from __future__ import annotations

from typing import Final

from av.video.frame import VideoFrame

from jobs.media.errors import WrongType

BT709: Final = 1
UNTAGGED: Final = 2
BT2020: Final = 9

# What FFmpeg converts from. All others are reserved, and say no more than no tag does.
MATRICES: Final = frozenset({0, BT709, UNTAGGED, 4, 5, 6, 7, BT2020})
PRIMARIES: Final = frozenset({BT709, UNTAGGED, *range(4, 13), 22})
CURVES: Final = frozenset({BT709, UNTAGGED, *range(4, 9), *range(11, 19)})
# BT.2020 with constant luminance, and matrices that follow from the primaries: as near as cannot be seen.
CONSTANT_LUMINANCE: Final = 10
DERIVED: Final = frozenset({12, 13})
# YCgCo, ICtCp and others that are no relatives: taken for another, their colors would be wrong.
FOREIGN: Final = frozenset({8, 11, *range(14, 18)})


def retagged(picture: VideoFrame) -> VideoFrame:
    """Return the picture with tags that FFmpeg can convert from; raises `WrongType` where there are none."""
    matrix = _matrix(picture)
    if picture.colorspace != matrix:
        picture.colorspace = matrix
    if picture.color_primaries not in PRIMARIES:
        picture.color_primaries = UNTAGGED
    if picture.color_trc not in CURVES:
        picture.color_trc = UNTAGGED
    return picture


def _matrix(picture: VideoFrame) -> int:
    given = int(picture.colorspace)
    if given in FOREIGN:
        raise WrongType("The video's colors are coded in a way that is not accepted.", f"matrix {given}")
    if given == CONSTANT_LUMINANCE:
        return BT2020
    if given in DERIVED:
        return BT2020 if picture.color_primaries == BT2020 else BT709
    return given if given in MATRICES else UNTAGGED
