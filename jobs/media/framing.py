"""The filters that bring any video's pictures upright, to bt709 and to 1920×1080, by the rule of `layout`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from math import ceil
from typing import Final

from av.error import FFmpegError
from av.filter import Graph
from av.video.frame import VideoFrame

from jobs.media.color_tags import BT2020, UNTAGGED
from jobs.media.errors import Damaged
from jobs.media.layout import HEIGHT_PX, WIDTH_PX, Box, Layout
from jobs.media.source_video import DOES_NOT_DECODE

# Beyond, a video is a line of a few pixels, whatever is in it.
SHOWN_AT_ALL: Final = Fraction(1, 200)

# From this height on, players take a picture that does not say which matrix it uses for bt709, below for bt601.
HD_FROM_LINES: Final = 720

# The numbers of the HDR transfer curves, PQ and HLG.
HDR_CURVES: Final = (16, 18)
# By the order of a stream's fields, the one that is shown first; otherwise each picture says so itself.
FIRST_FIELD: Final = {2: "tff", 3: "bff", 4: "bff", 5: "tff"}

Filters = list[tuple[str, str]]
UPRIGHT: Final[dict[int, Filters]] = {
    0: [],
    90: [("transpose", "cclock")],
    180: [("hflip", ""), ("vflip", "")],
    270: [("transpose", "clock")],
}


def layout_of(picture: VideoFrame, pixel_aspect: Fraction, active: Box | None = None) -> Layout:
    """Return where the pictures of a video go whose first one is `picture`. Rotation is rounded to quarter turns.

    Raises `Damaged` for pictures whose proportions leave nothing to see.
    """
    size = picture.width, picture.height
    layout = Layout(size, active or (0, 0, *size), round(picture.rotation / 90) * 90 % 360, pixel_aspect)
    if layout.shown < SHOWN_AT_ALL:
        raise Damaged(DOES_NOT_DECODE, f"the pictures cannot be framed: {float(layout.aspect):g} times as wide as high")
    return layout


def framing(picture: VideoFrame, pixel_aspect: Fraction, pixel_format: str, active: Box | None = None) -> Filters:
    """Return the filters for a video whose first picture is `picture`, of which `active` is the part without bars."""
    layout = layout_of(picture, pixel_aspect, active)
    color = f"in_color_matrix={_matrix(picture)}:out_color_matrix=bt709:out_range=tv{_tone_mapping(picture)}"
    # FFmpeg maps each pixel before it scales: those of a large picture are scaled first, as they are.
    maps_last = _is_wide(picture) and _shrinks(layout)
    scaling = "" if maps_last else f":{color}"
    return [
        *_steady(picture),
        *_without_bars(layout),
        *UPRIGHT[layout.quarter_turn],
        *(_fitting(layout, scaling) if layout.is_padded else _covering(layout, scaling)),
        *([("format", picture.format.name), ("scale", color)] if maps_last else []),
        ("setsar", "1"),
        ("format", pixel_format),
        *_padding(layout),
    ]


def _without_bars(layout: Layout) -> Filters:
    left, top, right, bottom = layout.active
    whole = layout.active == (0, 0, *layout.size)
    return [] if whole else [("crop", f"{right - left}:{bottom - top}:{left}:{top}")]


def _shrinks(layout: Layout) -> bool:
    """Return whether the pictures have more pixels than what is made of them."""
    (columns, rows), (left, top, right, bottom) = layout.upright, layout.placed
    return columns * rows > (right - left) * (bottom - top)


def _covering(layout: Layout, color: str) -> Filters:
    (columns, rows), (width, height) = layout.upright, layout.shape
    factor = max(WIDTH_PX / width, HEIGHT_PX / height)
    kept_columns, kept_rows = _kept(columns, WIDTH_PX / (width * factor)), _kept(rows, HEIGHT_PX / (height * factor))
    covering = f"{ceil(width * factor * kept_columns / columns)}:{ceil(height * factor * kept_rows / rows)}"
    return [
        # Before scaling, so that no more is scaled than is shown.
        ("crop", f"{kept_columns}:{kept_rows}"),
        ("scale", f"{covering}:flags=lanczos{color}"),
        ("crop", f"{WIDTH_PX}:{HEIGHT_PX}"),
    ]


def _fitting(layout: Layout, color: str) -> Filters:
    left, top, right, bottom = layout.placed
    return [("scale", f"{right - left}:{bottom - top}:flags=lanczos{color}")]


def _padding(layout: Layout) -> Filters:
    left, top, _right, _bottom = layout.placed
    return [("pad", f"{WIDTH_PX}:{HEIGHT_PX}:{left}:{top}:black")] if layout.is_padded else []


def _kept(lines: int, visible: Fraction) -> int:
    """Return how many columns or rows to scale, of which the share `visible` is shown.

    Both sides lose the same even number, because two pixels share one color sample. The rest is cropped after scaling.
    """
    return lines - 4 * int(lines * (1 - visible) / 4)


def deinterlacing(order: str) -> Filters:
    """Return the filter that makes whole pictures of fields, one for each pair; `order` is `tff`, `bff` or `auto`."""
    return [("bwdif", f"mode=send_frame:parity={order}:deint=all")]


def _is_wide(picture: VideoFrame) -> bool:
    return picture.color_trc in HDR_CURVES or picture.color_primaries == BT2020


def _steady(picture: VideoFrame) -> Filters:
    """Drop the brightness that HDR10+ states for each picture: the tables of the tone mapping take a second each."""
    return [("sidedata", "mode=delete:type=DYNAMIC_HDR_PLUS")] if _is_wide(picture) else []


def _tone_mapping(picture: VideoFrame) -> str:
    """Return how HDR's brightness and wide colors are brought to what BT.709 has room for; nothing for all others."""
    return ":out_primaries=bt709:out_transfer=bt709:intent=perceptual" if _is_wide(picture) else ""


def _matrix(picture: VideoFrame) -> str:
    if picture.colorspace != UNTAGGED:
        return "auto"
    if _is_wide(picture):
        return "bt2020"
    return "bt709" if picture.height >= HD_FROM_LINES else "smpte170m"


@contextmanager
def _blamed_on_the_file() -> Iterator[None]:
    """Raise `Damaged` for pictures that no filter takes: of impossible proportions, or with changing properties."""
    try:
        yield
    except (MemoryError, BlockingIOError, EOFError):
        raise
    except (FFmpegError, OverflowError) as error:
        raise Damaged(DOES_NOT_DECODE, f"the pictures cannot be framed: {error}") from error


class FilterChain:
    """A line of filters that pictures are sent through one by one; raises `Damaged` for those that cannot be."""

    @_blamed_on_the_file()
    def __init__(self, picture: VideoFrame, time_base: Fraction, filters: Filters) -> None:
        self._graph = Graph()
        self._graph.threads = 1
        start = self._graph.add_buffer(
            width=picture.width, height=picture.height, format=picture.format, time_base=time_base
        )
        links = [self._graph.add(name, arguments or None) for name, arguments in filters]
        self._graph.link_nodes(start, *links, self._graph.add("buffersink")).configure()

    def push(self, picture: VideoFrame | None) -> Iterator[VideoFrame]:
        """Send one picture in, or None at the end, and yield those that come out."""
        try:
            with _blamed_on_the_file():
                self._graph.vpush(picture)
            while True:
                yield self._pulled()
        except (BlockingIOError, EOFError):
            # It wants more, or has given all that it will.
            return

    @_blamed_on_the_file()
    def _pulled(self) -> VideoFrame:
        return self._graph.vpull()


def first_out(chain: FilterChain, picture: VideoFrame) -> VideoFrame | None:
    """Return what becomes of a single picture."""
    return next(chain.push(picture), None) or next(chain.push(None), None)
