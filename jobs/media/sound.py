"""Adds the sound of a source to its finished pictures: AAC-LC, 48 kHz, stereo, exactly as long as they are.

Runs in the child process only. The pictures are finished first, and nothing wrong with the sound changes them.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet

from jobs.media.errors import Damaged, MediaError
from jobs.media.limits import VideoLimits
from jobs.media.source_video import SourceVideo, open_video

SAMPLES_PER_SECOND: Final = 48_000
BITS_PER_SECOND: Final = 128_000
CHANNELS: Final = 2
SAMPLE_BYTES: Final = 2 * CHANNELS
# 60 dB below the loudest possible sample: softer is not heard, and is what a model without sound leaves behind.
SILENT_BELOW: Final = 33
# A packet is usually 20 ms. Those of a damaged track may be empty, so that the samples alone bound nothing.
MAX_PACKETS: Final = 20_000
# By FFmpeg's names.
COMPRESSED: Final = ("aac", "ac3", "eac3", "mp2", "mp3", "opus", "vorbis", "flac", "alac", "adpcm_ms", "adpcm_ima_wav")
BYTES: Final = ("pcm_u8", "pcm_s8", "pcm_mulaw", "pcm_alaw")
LONGER: Final = ("pcm_s16", "pcm_s24", "pcm_s32", "pcm_f32", "pcm_f64")
CODECS: Final = frozenset({*COMPRESSED, *BYTES, *(name + order for name in LONGER for order in ("le", "be"))})

NOT_USABLE: Final = (MediaError, FFmpegError, ValueError, MemoryError)


def read_sound(source: Path, seconds: int, limits: VideoLimits) -> bytes | None:
    """Return the samples of `source` for so many seconds, 16 bits for each side; None unless some can be heard.

    Raises nothing for a sound track that is missing, silent or broken.
    """
    samples = _first_sound(source, seconds * SAMPLES_PER_SECOND, limits)
    return samples if samples is not None and is_heard(samples) else None


def add_sound(
    samples: bytes,
    target: Path,
    limits: VideoLimits,
    tags: Mapping[str, str],
    check: Callable[[Path], None],
    bits_per_s: int = BITS_PER_SECOND,
) -> bool:
    """Add sound to the pictures in `target`, and return whether it could be done.

    Where it could not, or `check` raises MediaError for the joined file, `target` stays as it is.
    """
    joined = target.with_suffix(".sound")
    try:
        _join(target, samples, joined, limits, tags, bits_per_s)
        check(joined)
        joined.replace(target)
    except NOT_USABLE:
        joined.unlink(missing_ok=True)
        return False
    return True


def is_heard(samples: bytes) -> bool:
    """Return whether any of the samples, of 16 bits, is as loud as -60 dBFS."""
    values = memoryview(samples).cast("h")
    return max(max(values), -min(values)) >= SILENT_BELOW


def _first_sound(source: Path, wanted: int, limits: VideoLimits) -> bytes | None:
    """Return `wanted` samples of the first track that decodes, or None."""
    for number in range(limits.max_streams):
        try:
            with open_video(source, limits) as opened:
                if number >= len(opened.container.streams.audio):
                    return None
                return _decoded(opened, opened.container.streams.audio[number], wanted)
        except NOT_USABLE:
            continue
    return None


def _decoded(source: SourceVideo, track: AudioStream, wanted: int) -> bytes:
    """Return 16 bits for each side, cut off at `wanted` samples or followed by silence; raise if they do not decode."""
    if track.codec_context is None or track.codec_context.codec.canonical_name not in CODECS:
        raise Damaged("The sound's encoding is not accepted.")
    samples = bytearray()
    resampler = AudioResampler(format="s16", layout="stereo", rate=SAMPLES_PER_SECOND)
    skipped = 0
    for number, frame in enumerate(_frames(source, track)):
        if number == 0:
            late = _late_by(source, frame)
            samples += bytes(min(wanted, max(0, late)) * SAMPLE_BYTES)
            skipped = max(0, -late) * SAMPLE_BYTES
        for part in resampler.resample(frame):
            samples += _bytes_of(part)
        if len(samples) >= skipped + wanted * SAMPLE_BYTES:
            break
    if not samples:
        raise Damaged("The sound does not decode.")
    del samples[:skipped]
    return bytes(samples[: wanted * SAMPLE_BYTES]).ljust(wanted * SAMPLE_BYTES, b"\0")


def _frames(source: SourceVideo, track: AudioStream) -> Iterator[AudioFrame]:
    for number, packet in enumerate(source.container.demux(track)):
        if packet.is_corrupt or number > MAX_PACKETS:
            raise Damaged("The sound is cut off or damaged.")
        yield from packet.decode()


def _late_by(source: SourceVideo, first: AudioFrame) -> int:
    """Return by how many samples the sound begins after the pictures; negative where it begins before them.

    A distance of more than a minute is an error of the file, and is taken for none.
    """
    if first.pts is None or first.time_base is None:
        return 0
    late_s = first.pts * first.time_base - (source.stream.start_time or 0) * source.time_base
    return int(late_s * SAMPLES_PER_SECOND) if abs(late_s) <= 60 else 0


def _bytes_of(frame: AudioFrame) -> bytes:
    """Return the samples without the padding that follows them."""
    return bytes(frame.planes[0])[: frame.samples * SAMPLE_BYTES]


def _join(
    pictures: Path, samples: bytes, joined: Path, limits: VideoLimits, tags: Mapping[str, str], bits_per_s: int
) -> None:
    with (
        open_video(pictures, limits) as opened,
        av.open(str(joined), "w", format="mp4", options={"movflags": "+faststart"}) as out,
    ):
        out.metadata.update(tags)
        shown = out.add_stream_from_template(opened.stream)
        heard = _encoded(out, samples, bits_per_s)
        for packet in heapq.merge(_moved(opened.packets(), shown), heard, key=_time_of):
            out.mux(packet)


def _moved(packets: Iterable[Packet[Any]], stream: Any) -> Iterator[Packet[Any]]:
    for packet in packets:
        if packet.dts is not None:
            packet.stream = stream
            yield packet


def _encoded(out: OutputContainer, samples: bytes, bits_per_s: int) -> list[Packet[Any]]:
    stream = out.add_stream("aac", rate=SAMPLES_PER_SECOND, layout="stereo")
    stream.bit_rate = bits_per_s
    frame = AudioFrame(format="s16", layout="stereo", samples=len(samples) // SAMPLE_BYTES, align=1)
    frame.planes[0].update(samples)
    frame.sample_rate, frame.pts, frame.time_base = SAMPLES_PER_SECOND, 0, Fraction(1, SAMPLES_PER_SECOND)
    return [*stream.encode(frame), *stream.encode(None)]


def _time_of(packet: Packet[Any]) -> Fraction:
    return (packet.dts or 0) * (packet.time_base or Fraction(1))
