"""Spoils output files: of something else, cut short, of another type, of an odd size, with a variable frame rate."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

import av
from PIL import Image

from simulator.media import Media
from simulator.predictions import Options

ODD_SIZE_PX = (853, 481)
ODD_SIZE_SECONDS = 6
MILLISECOND = Fraction(1, 1000)
# The durations of frames in a stuttering recording, as shares of the even step. They add up to seven even steps, so
# that the video keeps its length.
_UNEVEN = (0.8, 1.25, 0.45, 2.0, 1.0, 0.6, 0.9)


def is_spoiled(faults: Mapping[str, Options]) -> bool:
    """Return whether any of a prediction's faults changes the bytes of its files."""
    return any(name in faults for name in _SPOILERS)


def spoil(media: Media, faults: Mapping[str, Options]) -> Media:
    """Return a file as the prediction's faults change it. Slow for videos: call it in a thread."""
    for name, spoiler in _SPOILERS.items():
        if name in faults:
            media = spoiler(media, faults[name])
    return media


def _unrelated(media: Media, _: Options) -> Media:
    """Show something else that moves, at the same size, rate and length."""
    frames = list(_frames(media.content))
    size_px, step_ms = (frames[0].width, frames[0].height), round(_even_step_ms(media.content))
    others = (_elsewhere(size_px, number) for number in range(len(frames)))
    return replace(media, content=_encoded(others, size_px, "yuv420p", steps_ms=(step_ms,)))


def _elsewhere(size_px: tuple[int, int], number: int) -> av.VideoFrame:
    """Return a picture of stripes, which move by a pixel from one number to the next."""
    width, height = size_px
    stripes = Image.linear_gradient("L").resize((64, height)).convert("RGB")
    picture = Image.new("RGB", size_px)
    for left in range(-(number % 64), width, 64):
        picture.paste(stripes if (left + number) // 64 % 2 else stripes.rotate(180), (left, 0))
    return av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call,no-any-return]


def _odd_size(media: Media, _: Options) -> Media:
    """Encode with 4:4:4 colour, because only that allows H.264 an odd width and height."""
    frames = (frame.reformat(*ODD_SIZE_PX, format="yuv444p") for frame in _frames(media.content))
    return replace(media, content=_encoded(frames, ODD_SIZE_PX, "yuv444p", steps_ms=(40,)))


def _variable_rate(media: Media, _: Options) -> Media:
    frames = _frames(media.content)
    first = next(frames)
    size_px = (first.width, first.height)

    def all_frames() -> Iterator[av.VideoFrame]:
        yield first
        yield from frames

    steps_ms = tuple(round(share * _even_step_ms(media.content)) for share in _UNEVEN)
    return replace(media, content=_encoded(all_frames(), size_px, "yuv420p", steps_ms=steps_ms))


def _truncated(media: Media, options: Options) -> Media:
    return replace(media, content=media.content[: int(len(media.content) * float(options["part"]))])


def _wrong_type(media: Media, options: Options) -> Media:
    return replace(media, content=_CONTENT_OF[options["type"]]())


def _even_step_ms(video: bytes) -> float:
    with av.open(io.BytesIO(video), "r") as container:
        rate = container.streams.video[0].guessed_rate
    return float(1000 / rate) if rate else 40.0


def _frames(video: bytes) -> Iterator[av.VideoFrame]:
    with av.open(io.BytesIO(video), "r") as container:
        yield from container.decode(video=0)


def _encoded(
    frames: Iterator[av.VideoFrame], size_px: tuple[int, int], pixels: str, *, steps_ms: tuple[int, ...]
) -> bytes:
    """Return an MP4 of the frames, with the given steps between them, repeated in a cycle."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=1000, options={"preset": "ultrafast", "crf": "30"})
        stream.width, stream.height = size_px
        stream.pix_fmt = pixels
        stream.codec_context.time_base = MILLISECOND
        at_ms = 0
        for number, frame in enumerate(frames):
            # Source frames have their own types and times, which must be reset before they are encoded again.
            frame.pict_type, frame.pts, frame.time_base = 0, at_ms, MILLISECOND
            container.mux(stream.encode(frame))
            at_ms += steps_ms[number % len(steps_ms)]
        container.mux(stream.encode())
    return out.getvalue()


def _picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 30, 30)).save(out, kind)
    return out.getvalue()


_CONTENT_OF: dict[str, Callable[[], bytes]] = {
    "html": lambda: b"<!DOCTYPE html><html><body>Access denied</body></html>",
    "text": lambda: b"ffconcat version 1.0\nfile /etc/hostname\n",
    "gif": lambda: _picture("GIF"),
    "png": lambda: _picture("PNG"),
    "empty": lambda: b"",
}

# In this order: first the actions that encode anew, then those that cut or replace.
_SPOILERS: dict[str, Callable[[Media, Options], Media]] = {
    "unrelated_video": _unrelated,
    "odd_size_video": _odd_size,
    "variable_rate_video": _variable_rate,
    "truncate_file": _truncated,
    "wrong_file_type": _wrong_type,
}
