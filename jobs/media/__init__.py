"""Pictures and videos: cleaning what users send, and bringing what models return to its exact size and rate.

Untrusted media is decoded in a child process with limits on memory, processor time and wall-clock time (`isolation`
starts it, `child` is its program, `confinement` ties its hands). `operations` is what the rest of the system calls;
`images`, `video`, `poster` and `probe` do the work inside the child and are imported nowhere else: the parent loads
neither Pillow nor FFmpeg. Whatever is wrong with a file is a `MediaError` whose reason can be shown to its sender; a
child that is killed, or runs out of memory or time, is a `MediaInterrupted` and says nothing of the file.
"""

from jobs.media.errors import (
    Damaged,
    MediaError,
    MediaInterrupted,
    MediaTimeout,
    TooLarge,
    Unreadable,
    WrongShape,
    WrongType,
)
from jobs.media.facts import ImageFacts, VideoFacts, VideoProbe
from jobs.media.limits import (
    OUTPUT_LIMITS,
    SELFIE_LIMITS,
    VIDEO_CHILD,
    ChildLimits,
    PictureLimits,
    VideoLimits,
    VideoSettings,
)
from jobs.media.operations import (
    clean_selfie,
    make_poster,
    normalise_avatar,
    normalise_scene,
    normalise_video,
    probe_video,
)

__all__ = [
    "OUTPUT_LIMITS",
    "SELFIE_LIMITS",
    "VIDEO_CHILD",
    "ChildLimits",
    "Damaged",
    "ImageFacts",
    "MediaError",
    "MediaInterrupted",
    "MediaTimeout",
    "PictureLimits",
    "TooLarge",
    "Unreadable",
    "VideoFacts",
    "VideoLimits",
    "VideoProbe",
    "VideoSettings",
    "WrongShape",
    "WrongType",
    "clean_selfie",
    "make_poster",
    "normalise_avatar",
    "normalise_scene",
    "normalise_video",
    "probe_video",
]
