"""Media errors, with messages that can be shown to the user who sent the file.

After a `MediaError` the user must send a different file; after `MediaInterrupted` the same file may succeed.

MediaError              the file could not be processed
├── Unreadable          it has the signature of an accepted type, but its header cannot be read
├── WrongType           it is not one of the accepted types
├── WrongShape          it is too small or too narrow
├── TooLarge            it has more bytes, pixels or frames than allowed
├── Damaged             it decodes only in part, or it is too short
├── Blank               it is a video that is black, or shows the same picture, throughout
├── Unrelated           it is a video that does not begin with the picture it was made from
└── MediaTimeout        it takes more CPU time than allowed

MediaInterrupted        processing ended before the file could be judged
"""

from __future__ import annotations

from typing import Final

NOT_PROCESSED: Final = "The file could not be processed. Save it again as a JPEG, or use another one."


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
    def for_support(self) -> str:
        """Return the type, reason and detail on one line, for the log and for support."""
        known = f"{type(self).__name__}: {self.reason}"
        return known if self.detail is None else f"{known} ({self.detail})"


class Unreadable(MediaError):
    """The file has the signature of an accepted type, but the rest of its header cannot be read."""


class WrongType(MediaError):
    """The file is not of an accepted type."""


class WrongShape(MediaError):
    """The picture or video is too small, or its sides are too unequal."""


class TooLarge(MediaError):
    """The file or its result would have more bytes, pixels or frames than allowed."""


class Damaged(MediaError):
    """The file decodes only in part, or it is too short."""


class Blank(MediaError):
    """The video is black, or shows the same picture, from beginning to end."""


class Unrelated(MediaError):
    """The video does not begin with the picture that it was made from."""


class MediaTimeout(MediaError):
    """The file takes more CPU time than allowed, however busy the machine is."""


class MediaInterrupted(Exception):
    """The child ended without a response: it was killed, ran out of memory, or the machine was too busy.

    This says nothing about the file, so it is neither rejected nor paid for again: the job repeats the work. The number
    of repetitions is limited, because a file that crashes its decoder has the same symptoms. The text is for the log.
    """


ERRORS: dict[str, type[MediaError]] = {
    error.__name__: error
    for error in (MediaError, Unreadable, WrongType, WrongShape, TooLarge, Damaged, Blank, Unrelated, MediaTimeout)
}
