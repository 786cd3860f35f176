"""What is known of a picture or a video after it was read or written. Plain values: they travel as JSON."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar, get_type_hints


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """A picture that was written."""

    content_type: str
    width_px: int
    height_px: int
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """A video that was written. `remuxed` says that its pictures were copied, not encoded again."""

    content_type: str
    width_px: int
    height_px: int
    frames: int
    frames_per_second: float
    duration_s: float
    codec: str
    size_bytes: int
    sha256: str
    remuxed: bool


@dataclass(frozen=True, slots=True)
class VideoProbe:
    """What a video really is: counted from its packets and time stamps, not read from its header's claims.

    `width_px` and `height_px` are those of the coded picture, before `rotation_degrees` (counter-clockwise).
    `color` is `bt709`, `untagged`, or `other` when any of matrix, primaries and transfer says something else.
    `level` is ten times H.264's level (40 is 4.0). `keyframes` counts pictures that decode on their own,
    `hidden_packets` those that are in the file but cut off by an edit list.
    """

    content_type: str
    width_px: int
    height_px: int
    frames: int
    frames_per_second: float
    duration_s: float
    codec: str
    size_bytes: int
    sha256: str
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
    hidden_packets: int
    moov_first: bool
    streams: int
    comment: str

    def facts(self, *, remuxed: bool) -> VideoFacts:
        """Return the part that is worth keeping of a video that was written."""
        kept = {field.name: getattr(self, field.name) for field in fields(VideoFacts) if field.name != "remuxed"}
        return VideoFacts(**kept, remuxed=remuxed)


F = TypeVar("F", ImageFacts, VideoFacts, VideoProbe)


def from_reply(kind: type[F], reply: dict[str, object]) -> F:
    """Return `reply` as `kind`, or raise `ValueError` when a field is missing, unknown or of the wrong type.

    A child that read hostile bytes may answer anything, so its answer is checked like any other outside data.
    """
    wanted = get_type_hints(kind)
    if reply.keys() != wanted.keys():
        raise ValueError(f"{kind.__name__} has the fields {sorted(wanted)}, not {sorted(reply)}")
    for name, expected in wanted.items():
        if type(reply[name]) is not expected:
            raise ValueError(f"{kind.__name__}.{name} must be {expected.__name__}, not {reply[name]!r:.80}")
    return kind(**reply)  # type: ignore[arg-type]  # Each was just compared with its field's type.
