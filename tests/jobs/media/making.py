"""Makes the pictures and videos that the tests use, and inspects the results."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageChops, ImageDraw, ImageStat

MILLISECOND = Fraction(1, 1000)


@dataclass(frozen=True)
class Video:
    """A video to be made. `times_ms` overrides `rate`.

    `still` overrides the moving test picture: only a speck in its middle moves, or nothing at all if it is `frozen`.
    Each picture that is `combed` consists of two fields, half a picture apart in time, the upper lines first.
    `matrix` is how colors are coded (1 is bt709, 5 bt601), `tag` what the file says of it (2 is nothing), and `curve`
    what it says of the transfer curve, if that differs. `container` is FFmpeg's name of the muxer.
    The sound is a tone of `sound_volume`, an eighth of full scale at 1, and as long as the pictures unless
    `sound_seconds` says otherwise.
    """

    size: tuple[int, int] = (320, 180)
    rate: int | Fraction = 25
    seconds: float = 1.0
    times_ms: Sequence[int] | None = None
    still: Image.Image | None = None
    frozen: bool = False
    combed: bool = False
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    matrix: int = 5
    tag: int = 2
    curve: int | None = None
    pixel_aspect: Fraction = Fraction(1)
    rotation: int = 0
    sound: bool = False
    sound_codec: str = "aac"
    sound_volume: float = 0
    sound_seconds: float | None = None
    container: str = "mp4"
    movflags: str | None = "+faststart"
    options: tuple[tuple[str, str], ...] = (("preset", "ultrafast"),)

    def write(self, path: Path) -> Path:
        """Encode it to `path`, and return `path`."""
        options = {"movflags": self.movflags} if self.movflags and self.container in ("mp4", "mov") else {}
        with av.open(str(path), "w", format=self.container, options=options) as out:
            stream = self._add_stream(out)
            sound = out.add_stream(self.sound_codec, rate=48000, layout="mono") if self.sound else None
            for picture in self._pictures():
                out.mux(stream.encode(picture))
            out.mux(stream.encode(None))
            if sound is not None:
                _write_sound(out, sound, self.sound_seconds or self.seconds, self.sound_volume)
        return path

    def _add_stream(self, out: Any) -> Any:
        stream = out.add_stream(self.codec, rate=self.rate, options=dict(self.options))
        stream.width, stream.height, stream.pix_fmt = *self.size, self.pixel_format
        context = stream.codec_context
        context.time_base = MILLISECOND if self.times_ms else Fraction(1, self.rate)
        context.sample_aspect_ratio = self.pixel_aspect
        context.color_primaries = context.colorspace = self.tag
        context.color_trc = self.curve or self.tag
        context.color_range = 1
        if self.rotation:
            stream.set_display_rotation(self.rotation)
        return stream

    def _pictures(self) -> Iterator[VideoFrame]:
        times = self.times_ms or list(takewhile(lambda n: n < round(self.seconds * self.rate), count()))
        for at, picture in zip(times, self._content(len(times)), strict=False):
            picture.pts, picture.time_base = at, MILLISECOND if self.times_ms else Fraction(1, self.rate)
            picture.pict_type = 0
            picture.colorspace = self.tag
            yield picture

    def _content(self, pictures: int) -> Iterator[VideoFrame]:
        if self.still is not None:
            matrix = "itu709" if self.matrix == 1 else "itu601"
            still = frame_of(self.still)
            moved = frame_of(with_speck(self.still))
            frames = (moved if number % 2 and not self.frozen else still for number in range(pictures))
            yield from (frame.reformat(format=self.pixel_format, dst_colorspace=matrix) for frame in frames)
            return
        if self.combed:
            whole = replace(self, rate=2 * self.rate, combed=False, pixel_format="yuv420p")._content(2 * pictures)
            yield from (woven(first, next(whole)).reformat(format=self.pixel_format) for first in whole)
            return
        # One second more than needed, so that the moving picture does not end before the times do.
        spec = (
            f"testsrc2=size={self.size[0]}x{self.size[1]}:rate={self.rate}:duration={float(pictures / self.rate + 1)}"
        )
        with av.open(spec, format="lavfi") as source:
            for picture in source.decode(video=0):
                yield picture.reformat(format=self.pixel_format)


def _write_sound(out: Any, stream: Any, seconds: float, volume: float) -> None:
    tone = f"sine=frequency=440:sample_rate=48000:duration={seconds},volume={volume}"
    with av.open(tone, format="lavfi") as source:
        for frame in source.decode(audio=0):
            out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def break_sound(path: Path, packet: int) -> Path:
    """Overwrite the sound of a file from a packet on, and return `path`."""
    with av.open(str(path)) as source:
        places = [(each.pos, each.size) for each in source.demux(audio=0) if each.pos is not None and each.size]
    data = bytearray(path.read_bytes())
    for at, size_bytes in places[packet:]:
        data[at : at + size_bytes] = b"\xff" * size_bytes
    path.write_bytes(data)
    return path


def frame_of(picture: Image.Image) -> VideoFrame:
    """Return a picture as a frame of a video."""
    frame: VideoFrame = VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
    return frame


def with_speck(picture: Image.Image) -> Image.Image:
    """Return a picture whose middle, a fiftieth of its width, is somewhat lighter or darker."""
    width, height = picture.size
    half = max(2, width // 100)
    box = (width // 2 - half, height // 2 - half, width // 2 + half, height // 2 + half)
    speck = picture.crop(box)
    # All of it in one direction: in noise, pixels that change in both would even out.
    change = 50 if ImageStat.Stat(speck.convert("L")).mean[0] < 128 else -50
    changed = picture.copy()
    changed.paste(speck.point(lambda value: value + change), box)
    return changed


def woven(first: VideoFrame, second: VideoFrame) -> VideoFrame:
    """Return a picture with the even lines of the first one and the odd lines of the second."""
    for plane, other in zip(first.planes, second.planes, strict=True):
        lines, others, stride = bytearray(bytes(plane)), bytes(other), plane.line_size
        for start in range(stride, len(lines), 2 * stride):
            lines[start : start + stride] = others[start : start + stride]
        plane.update(bytes(lines))
    return first


def image_of(frame: VideoFrame) -> Image.Image:
    """Return a frame of a video as a picture."""
    image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    return image


CONFORMING = Video(
    size=(1920, 1080),
    rate=30,
    matrix=1,
    tag=1,
    options=(("preset", "superfast"), ("profile", "high"), ("level", "4.0"), ("crf", "35")),
)
UNTAGGED = replace(CONFORMING, tag=2)


def pictures_of(path: Path) -> list[Image.Image]:
    """Decode all pictures of a short video and scale them down."""
    with av.open(str(path)) as source:
        return [image_of(picture.reformat(width=160, height=90, format="rgb24")) for picture in source.decode(video=0)]


def first_picture(path: Path) -> Image.Image:
    """Decode the first picture of a video."""
    with av.open(str(path)) as source:
        return image_of(next(source.decode(video=0)))


def count_pictures(path: Path) -> int:
    """Decode a video and count its pictures."""
    with av.open(str(path)) as source:
        return sum(1 for _ in source.decode(video=0))


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return how much two pictures differ on average, 0 to 255."""
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def times_of(path: Path) -> list[Fraction]:
    """Return when each picture is shown, in seconds, in order."""
    with av.open(str(path)) as source:
        return sorted(time for packet in source.demux(video=0) if (time := _time_of(packet)) is not None)


def keyframes_of(path: Path) -> list[Fraction]:
    """Return the times of the keyframes, in seconds."""
    with av.open(str(path)) as source:
        keyframes = [packet for packet in source.demux(video=0) if packet.is_keyframe]
        return sorted(time for packet in keyframes if (time := _time_of(packet)) is not None)


def _time_of(packet: Packet[VideoStream]) -> Fraction | None:
    """Return when the picture in a packet is shown, or None if the packet has none."""
    return None if packet.pts is None or packet.time_base is None else packet.pts * packet.time_base


def disc(size: tuple[int, int], diameter: int, background: str = "white") -> Image.Image:
    """Draw a black disc in the middle: it shows whether a picture was stretched, cut or moved."""
    picture = Image.new("RGB", size, background)
    left, top = (size[0] - diameter) / 2, (size[1] - diameter) / 2
    ImageDraw.Draw(picture).ellipse((left, top, left + diameter, top + diameter), fill="black")
    return picture


def disc_box(picture: Image.Image) -> tuple[int, int, int, int]:
    """Return the box around everything dark."""
    box = picture.convert("L").point(lambda value: 255 if value < 128 else 0).getbbox()
    assert box is not None, "the disc is gone"
    return box


def assert_round(picture: Image.Image, diameter: float) -> None:
    """Assert that the disc is still a circle, in the middle, and as large as expected, to 2 % of its diameter."""
    tolerance = max(3.0, diameter / 50)
    left, top, right, bottom = disc_box(picture)
    assert abs((right - left) - diameter) <= tolerance, f"{right - left} wide, not {diameter}"
    assert abs((bottom - top) - diameter) <= tolerance, f"{bottom - top} high, not {diameter}"
    assert abs((left + right) - picture.width) <= 2 * tolerance
    assert abs((top + bottom) - picture.height) <= 2 * tolerance


def assert_color(picture: Image.Image, at: tuple[int, int], expected: tuple[int, ...], tolerance: int = 6) -> None:
    """Assert that a pixel has the expected color, give or take what encoding changes."""
    found = picture.getpixel(at)
    assert isinstance(found, tuple)
    assert all(abs(a - b) <= tolerance for a, b in zip(found, expected, strict=True)), f"{found}, not {expected}"


def four_corners(size: tuple[int, int]) -> Image.Image:
    """Draw red at the top left, green at the top right, blue at the bottom left, white at the bottom right."""
    width, height = size
    picture = Image.new("RGB", size, "white")
    picture.paste((200, 0, 0), (0, 0, width // 2, height // 2))
    picture.paste((0, 200, 0), (width // 2, 0, width, height // 2))
    picture.paste((0, 0, 200), (0, height // 2, width // 2, height))
    return picture


def corners_of(picture: Image.Image) -> str:
    """Name the colors around the middle in reading order: `rgbw` for `four_corners` as it was drawn."""
    names = {(True, False, False): "r", (False, True, False): "g", (False, False, True): "b", (True, True, True): "w"}
    width, height = picture.size
    found = ""
    for share_y in (0.4, 0.6):
        for share_x in (0.4, 0.6):
            pixel = picture.convert("RGB").getpixel((int(width * share_x), int(height * share_y)))
            assert isinstance(pixel, tuple)
            found += names.get((pixel[0] > 128, pixel[1] > 128, pixel[2] > 128), "?")
    return found


def png_that_claims(width: int, height: int) -> bytes:
    """Return a small PNG whose header announces a picture of any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg_segments(data: bytes) -> list[int]:
    """Return the markers of a JPEG up to its picture data."""
    markers, at = [], 2
    while data[at + 1] != 0xDA:
        markers.append(data[at + 1])
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return markers
