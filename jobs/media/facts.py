"""Facts about a picture or a video after reading or writing it: plain values that travel as JSON."""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """A written picture, or the preview of a video."""

    content_type: str
    width_px: int
    height_px: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PictureFacts(ImageFacts):
    """A finished picture with its renditions, the narrowest first; none where they were not wanted or failed.

    `renditions_failed` is the class of the error for which there are none.
    """

    renditions: tuple[ImageFacts, ...] = ()
    renditions_failed: str = ""


@dataclass(frozen=True, slots=True)
class Renditions:
    """The written renditions of a picture, the narrowest first."""

    made: tuple[ImageFacts, ...]


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """A written video. `remuxed` means that its frames were copied, not encoded again.

    `poster` and `preview` are what was written beside it, None where that was not wanted or, for the preview, where it
    could not be made: `preview_failed` is the class of the error then.
    """

    content_type: str
    width_px: int
    height_px: int
    frames: int
    frames_per_second: float
    duration_s: float
    codec: str
    size_bytes: int
    remuxed: bool
    poster: PictureFacts | None = None
    preview: ImageFacts | None = None
    preview_failed: str = ""


@dataclass(frozen=True, slots=True)
class VideoProbe:
    """The actual properties of a video, measured from its packets and timestamps rather than taken from its header.

    `width_px` and `height_px` are the coded size, before `rotation_degrees` (counter-clockwise). `color` is `bt709`,
    `untagged`, or `other` when the matrix, primaries or transfer differ. `level` is ten times H.264's level (40 is
    4.0). `keyframes` counts frames that decode on their own, and `keyframe_gap_s` is the longest time from one to the
    next or to the end; `hidden_packets` counts those cut off by an edit list.
    """

    content_type: str
    width_px: int
    height_px: int
    frames: int
    frames_per_second: float
    duration_s: float
    codec: str
    size_bytes: int
    profile: str
    level: int
    pixel_format: str
    color: str
    full_range: bool
    square_pixels: bool
    progressive: bool
    rotation_degrees: int
    constant_rate: bool
    starts_at_zero: bool
    starts_with_keyframe: bool
    keyframes: int
    keyframe_gap_s: float
    hidden_packets: int
    moov_first: bool
    streams: int
    comment: str

    def facts(self, *, remuxed: bool, poster: PictureFacts | None, preview: ImageFacts | None) -> VideoFacts:
        """Return the facts to keep about a written video and what was written beside it."""
        kept = {field.name: getattr(self, field.name) for field in fields(VideoFacts) if hasattr(self, field.name)}
        return VideoFacts(**kept, remuxed=remuxed, poster=poster, preview=preview)


F = TypeVar("F", ImageFacts, PictureFacts, Renditions, VideoFacts, VideoProbe)


def from_reply(kind: type[F], reply: dict[str, object]) -> F:
    """Return `reply` as `kind`, or raise `ValueError` when a field is missing, unknown or of the wrong type.

    A child that has read hostile bytes may return anything, so its reply is validated like any other external data.
    """
    wanted = get_type_hints(kind)
    if reply.keys() != wanted.keys():
        raise ValueError(f"{kind.__name__} has the fields {sorted(wanted)}, not {sorted(reply)}")
    values = {name: _value(expected, reply[name], f"{kind.__name__}.{name}") for name, expected in wanted.items()}
    return kind(**values)


def _value(expected: Any, given: object, name: str) -> Any:
    if expected == tuple[ImageFacts, ...]:
        return tuple(_value(ImageFacts, each, name) for each in _value(list, given, name))
    if isinstance(expected, UnionType):
        kind, _none = get_args(expected)
        return None if given is None else _value(kind, given, name)
    if expected in (ImageFacts, PictureFacts):
        return from_reply(expected, _value(dict, given, name))
    if type(given) is not expected:
        raise ValueError(f"{name} must be {getattr(expected, '__name__', expected)}, not {given!r:.80}")
    return given
