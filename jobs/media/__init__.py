"""Image and video processing: sanitize uploads, and normalise model outputs to an exact size and frame rate.

A child process decodes untrusted media under limits on memory, CPU time and wall-clock time: `isolation` starts it,
`child` is its program, `confinement` applies the limits. The rest of the system calls `operations`. Only the child
imports `images`, `video` and `probe`, so the parent loads neither Pillow nor FFmpeg. A problem with the file
raises `MediaError`, whose reason can be shown to the sender. A child that is killed, or runs out of memory or time,
raises `MediaInterrupted`, which says nothing about the file.
"""

from jobs.media.errors import (
    Blank,
    Damaged,
    MediaError,
    MediaInterrupted,
    MediaTimeout,
    TooLarge,
    Unreadable,
    Unrelated,
    WrongShape,
    WrongType,
)
from jobs.media.facts import ImageFacts, PictureFacts, VideoFacts, VideoProbe
from jobs.media.limits import (
    OUTPUT_LIMITS,
    RENDITION_WIDTHS_PX,
    SELFIE_LIMITS,
    VIDEO_CHILD,
    ChildLimits,
    PictureLimits,
    VideoLimits,
    VideoSettings,
)
from jobs.media.operations import (
    add_label,
    clean_selfie,
    make_model_input,
    make_renditions,
    normalise_avatar,
    normalise_scene,
    normalise_video,
    probe_video,
    renditions_in,
)
from jobs.media.provenance import Origin

__all__ = [
    "OUTPUT_LIMITS",
    "RENDITION_WIDTHS_PX",
    "SELFIE_LIMITS",
    "VIDEO_CHILD",
    "Blank",
    "ChildLimits",
    "Damaged",
    "ImageFacts",
    "MediaError",
    "MediaInterrupted",
    "MediaTimeout",
    "Origin",
    "PictureFacts",
    "PictureLimits",
    "TooLarge",
    "Unreadable",
    "Unrelated",
    "VideoFacts",
    "VideoLimits",
    "VideoProbe",
    "VideoSettings",
    "WrongShape",
    "WrongType",
    "add_label",
    "clean_selfie",
    "make_model_input",
    "make_renditions",
    "normalise_avatar",
    "normalise_scene",
    "normalise_video",
    "probe_video",
    "renditions_in",
]
