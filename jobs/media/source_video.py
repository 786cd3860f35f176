"""Opens a video that someone else made, and decodes it picture by picture. Runs in the child process only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from jobs.media.color_tags import retagged
from jobs.media.containers import ACCEPTED, Container, container_of, is_cut_off
from jobs.media.errors import Damaged, TooLarge, Unreadable, WrongShape, WrongType
from jobs.media.files import check_size
from jobs.media.limits import VideoLimits

# Bounded, because decoders otherwise start a thread per processor. One keeps up with the encoder beside it; two halve
# the time where decoding is all there is to do.
BESIDE_ENCODER: Final = 1
DECODING_ALONE: Final = 2

BROKEN_HEADER: Final = "The video's header is broken or missing."
DOES_NOT_DECODE: Final = "The video is cut off or damaged."


@dataclass(frozen=True, slots=True)
class SourceVideo:
    """An open file and the one video stream in it that matters."""

    container: InputContainer
    stream: VideoStream
    format: Container

    @property
    def time_base(self) -> Fraction:
        """Return the length of one tick of the stream's time stamps, in seconds."""
        if not self.stream.time_base:
            raise Damaged(DOES_NOT_DECODE, "the stream has no time base")
        return self.stream.time_base

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """Yield the stream's packets in file order; raise `Damaged` where the file ends early."""
        demuxed = self.container.demux(self.stream)
        while (packet := self._next(demuxed)) is not None:
            yield packet

    def _next(self, demuxed: Iterator[Packet[VideoStream]]) -> Packet[VideoStream] | None:
        try:
            packet = next(demuxed, None)
        except MemoryError as error:
            # Read, not decoded: no honest picture takes this much, and the same file would ask for it each time.
            raise TooLarge("The video lists a picture that is larger than can be read.", str(error)) from error
        except FFmpegError as error:
            raise Damaged(DOES_NOT_DECODE, str(error)) from error
        if packet is not None and packet.is_corrupt:
            raise Damaged(DOES_NOT_DECODE, "a packet is cut off")
        return packet

    def pictures(self) -> Iterator[VideoFrame]:
        """Yield the decoded pictures in the order of display, one at a time; raise `Damaged` at the first bad one."""
        first: VideoFrame | None = None
        for picture in self._decoded() if self.format.has_display_times else _evenly(self._decoded()):
            first = first or picture
            if _layout(picture) != _layout(first):
                raise Damaged("The video changes its size midway.")
            yield picture

    def _decoded(self) -> Iterator[VideoFrame]:
        for packet in self.packets():
            yield from map(retagged, _decode(packet))


def _evenly(pictures: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    """Show each picture when it was decoded; those that the decoder gives only at the end follow at the last gap."""
    last, gap = 0, 1
    for picture in pictures:
        at = picture.dts if picture.dts is not None else last + gap
        last, gap = at, max(1, at - last)
        picture.pts = at
        yield picture


def _decode(packet: Packet[VideoStream]) -> list[VideoFrame]:
    try:
        pictures = packet.decode()
    except MemoryError:
        raise
    except FFmpegError as error:
        raise Damaged(DOES_NOT_DECODE, str(error)) from error
    if any(picture.is_corrupt for picture in pictures):
        # The decoder conceals what is missing; a smeared picture is not what was paid for.
        raise Damaged(DOES_NOT_DECODE, "a picture is damaged")
    return pictures


def _layout(picture: VideoFrame) -> tuple[int, int, str]:
    return picture.width, picture.height, picture.format.name


@contextmanager
def open_video(source: Path, limits: VideoLimits, decoder_threads: int = BESIDE_ENCODER) -> Iterator[SourceVideo]:
    """Open `source`, checked against `limits` by its header; nothing is decoded yet. Raises a `MediaError`."""
    check_size(source, limits.max_bytes)
    format = container_of(source)
    if format is None:
        raise WrongType(f"The file is not a video of an accepted type: {ACCEPTED}.")
    if is_cut_off(source, format):
        raise Damaged(DOES_NOT_DECODE, "the file is shorter than its header says")
    with open_container(source, format) as container:
        stream = _video_stream(container, limits)
        # Effective only here: as an option of the container it is silently ignored.
        stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}
        stream.codec_context.thread_count = decoder_threads
        stream.codec_context.thread_type = "AUTO"
        yield SourceVideo(container, stream, format)


def open_container(source: Path, format: Container) -> InputContainer:
    """Open the file as `format` and as nothing else, or raise `Unreadable` or `TooLarge`.

    Left open, the choice of a demuxer would fall on the content, and a playlist could have local files opened. The
    options say the same to demuxers that open others.
    """
    options = {"format_whitelist": format.whitelist, "protocol_whitelist": "file"}
    try:
        # Titles and comments may be in any encoding; a strange one is no reason to refuse the pictures.
        return av.open(str(source), "r", format=format.demuxer, options=options, metadata_errors="replace")
    except MemoryError as error:
        # Nothing is decoded yet, and no honest header needs this much; beyond 1000 streams FFmpeg says the same.
        raise TooLarge("The video's header lists more than can be read.", str(error)) from error
    except FFmpegError as error:
        raise Unreadable(BROKEN_HEADER, str(error)) from error


def _video_stream(container: InputContainer, limits: VideoLimits) -> VideoStream:
    if len(container.streams) > limits.max_streams:
        raise TooLarge(f"The file has {len(container.streams)} streams; at most {limits.max_streams} are accepted.")
    if not container.streams:
        raise Unreadable(BROKEN_HEADER, "the file lists no streams")
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream):
        raise WrongType("The file has no video in it.")
    if _codec_name(stream) not in limits.codecs:
        raise WrongType(f"The video's encoding is not accepted; {', '.join(limits.codecs)} are.")
    _check_size(stream, limits)
    return stream


def _codec_name(stream: VideoStream) -> str:
    """Return FFmpeg's name of the encoding, or "" where this build cannot decode it."""
    context = stream.codec_context
    return context.codec.canonical_name if context else ""


def _check_size(stream: VideoStream, limits: VideoLimits) -> None:
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > limits.max_pixels:
        raise TooLarge(
            f"The video is {width}×{height}; at most {limits.max_pixels / 1e6:.1f} million pixels are accepted."
        )
    if min(width, height) < limits.min_side_px:
        raise WrongShape(f"The video is {width}×{height}; each side must have at least {limits.min_side_px} pixels.")
