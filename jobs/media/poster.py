"""Takes the still picture that stands for a video until it plays. Runs in the child process only."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Final

from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace
from PIL import Image

from jobs.media.blank import is_black
from jobs.media.encoder import FRAMES_PER_SECOND
from jobs.media.errors import Damaged
from jobs.media.facts import PictureFacts
from jobs.media.label import labelled
from jobs.media.provenance import UNKNOWN, Origin
from jobs.media.renditions import Copies, copies_of
from jobs.media.source_video import DOES_NOT_DECODE
from jobs.media.webp import save_webp

POSTER_AT_FRAME: Final = FRAMES_PER_SECOND
# Of the pictures before, which are wanted only where everything after is black.
EARLIER_EVERY: Final = 10
POSTER_QUALITY: Final = 80


class Poster:
    """Finds the poster among a video's finished pictures: the first one from one second on that is not black.

    A video that ends before, or is black from there on, is shown by the last of the earlier ones that is not black; one
    in ten of them is looked at. The poster shows `label`, unless that is empty, and names its `origin`.
    """

    def __init__(self, label: str = "", origin: Origin = UNKNOWN) -> None:
        self._label = label
        self._origin = origin
        self._found: VideoFrame | None = None
        self._seen = 0
        self._done = False

    def add(self, picture: VideoFrame) -> None:
        """Take the next picture into account."""
        number = self._seen
        self._seen += 1
        if self._done or (number < POSTER_AT_FRAME and number % EARLIER_EVERY):
            return
        if self._found is None or not is_black(picture):
            self._found = picture
            self._done = number >= POSTER_AT_FRAME

    def write(self, target: Path, renditions: Path | None = None) -> PictureFacts:
        """Write the picture as a WebP of 1920×1080, and its renditions to a folder where one is given."""
        if self._found is None:
            raise Damaged(DOES_NOT_DECODE, "no picture decodes")
        picture = picture_of(self._found)
        picture = labelled(picture, self._label) if self._label else picture
        facts = save_webp(picture, target, POSTER_QUALITY, self._origin)
        copies = copies_of(picture, renditions, self._origin, is_webp=True) if renditions else Copies()
        return PictureFacts(**asdict(facts), renditions=copies.made, renditions_failed=copies.failed)


def picture_of(frame: VideoFrame) -> Image.Image:
    """Return a finished picture of a video as a Pillow image; pictures without tags are BT.709 at this size."""
    shown = frame.reformat(format="rgb24", src_colorspace=Colorspace.ITU709)
    image: Image.Image = shown.to_image()  # type: ignore[no-untyped-call]
    return image
