"""What can be wrong with a picture or a video, told so that it can be shown to the person who sent it.

MediaError              the file could not be processed
├── Unreadable          it claims to be a picture or a video, but its beginning cannot be read
├── WrongType           it is not one of the accepted types
├── WrongShape          too small, or too narrow
├── TooLarge            more bytes, pixels, frames or memory than allowed
├── Damaged             it decodes only in part, or does not last as long as it should
└── MediaTimeout        processing took longer than allowed
"""

from __future__ import annotations


class MediaError(Exception):
    """A file could not be processed.

    `reason` is a sentence for the end user: it names no path and quotes no library. `detail` is for the log, and None
    when there is nothing to add.
    """

    def __init__(self, reason: str, detail: str | None = None) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(reason)


class Unreadable(MediaError):
    """The file's beginning is of an accepted type, but what follows cannot be read."""


class WrongType(MediaError):
    """The file is not of an accepted type."""


class WrongShape(MediaError):
    """The picture or video is too small, or its sides are too unequal."""


class TooLarge(MediaError):
    """The file has more bytes, pixels or frames than allowed, or needs more memory than a child is given."""


class Damaged(MediaError):
    """The file decodes only in part, or lasts too short or too long a time."""


class MediaTimeout(MediaError):
    """Processing took more wall-clock or processor time than allowed."""


ERRORS: dict[str, type[MediaError]] = {
    error.__name__: error for error in (MediaError, Unreadable, WrongType, WrongShape, TooLarge, Damaged, MediaTimeout)
}
