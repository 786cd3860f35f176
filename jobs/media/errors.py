"""What can be wrong with a picture or a video, told so that it can be shown to the person who sent it.

Whoever sends a file again for a `MediaError` sends another one; after `MediaInterrupted` the same one may do.

MediaError              the file could not be processed
├── Unreadable          it claims to be a picture or a video, but its beginning cannot be read
├── WrongType           it is not one of the accepted types
├── WrongShape          too small, or too narrow
├── TooLarge            more bytes, pixels or frames than allowed
├── Damaged             it decodes only in part, or does not last as long as it should
└── MediaTimeout        it takes more processor time than allowed

MediaInterrupted        the work on the file ended before anything was known of it
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

    @property
    def told(self) -> str:
        """What is known of it, for the log and for support."""
        known = f"{type(self).__name__}: {self.reason}"
        return known if self.detail is None else f"{known} ({self.detail})"


class Unreadable(MediaError):
    """The file's beginning is of an accepted type, but what follows cannot be read."""


class WrongType(MediaError):
    """The file is not of an accepted type."""


class WrongShape(MediaError):
    """The picture or video is too small, or its sides are too unequal."""


class TooLarge(MediaError):
    """The file has more bytes, pixels or frames than allowed, or its result would have."""


class Damaged(MediaError):
    """The file decodes only in part, or lasts too short or too long a time."""


class MediaTimeout(MediaError):
    """The file takes more processor time than allowed, which does not depend on how busy the machine is."""


class MediaInterrupted(Exception):
    """The child ended without an answer: it was killed, had no memory left, or the machine was too busy for it.

    Says nothing of the file, which therefore is neither rejected nor paid for again: the same work is done once more;
    a job does so a limited number of times, because a file that brings its decoder down looks no different. The text is
    for the log.
    """


ERRORS: dict[str, type[MediaError]] = {
    error.__name__: error for error in (MediaError, Unreadable, WrongType, WrongShape, TooLarge, Damaged, MediaTimeout)
}
