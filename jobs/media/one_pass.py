"""Hands each finished picture of a video to all that need it, so that a video is decoded once.

Runs in the child process only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from av.video.frame import VideoFrame
from PIL.Image import Image

from jobs.media.blank import BlankCheck
from jobs.media.facts import ImageFacts, PictureFacts
from jobs.media.layout import AS_IT_IS, Layout
from jobs.media.limits import VideoLimits
from jobs.media.opening import OpeningCheck
from jobs.media.poster import Poster
from jobs.media.preview import Preview
from jobs.media.provenance import UNKNOWN, Origin
from jobs.media.video_label import VideoLabel


@dataclass(frozen=True, slots=True)
class Beside:
    """Names the files that are made with a video, None for one that is not wanted, and the origin of them all.

    `renditions` is the folder of the poster's.
    """

    poster: Path | None = None
    renditions: Path | None = None
    preview: Path | None = None
    origin: Origin = UNKNOWN


class OnePass:
    """One pass over the pictures of a video: the checks of what they show, its poster and its preview.

    It must begin with `scene`, unless that is None. `layout` is how its pictures were framed. The checks see the
    pictures without the `label`.
    """

    def __init__(self, beside: Beside, scene: Image | None = None, label: str = "", layout: Layout = AS_IT_IS) -> None:
        self._beside = beside
        self.layout = layout
        self.tags, self.xmp = beside.origin.tags(), beside.origin.xmp()
        self._blank, self._opening = BlankCheck(), OpeningCheck(scene, layout)
        self._poster, self._label = Poster(label, beside.origin), VideoLabel(label)
        self._preview = Preview(beside.preview, beside.origin) if beside.preview else None

    def add(self, picture: VideoFrame) -> VideoFrame:
        """Take the next finished picture, 1920×1080, 30 a second, and return it as it is shown. Raises `Unrelated`."""
        self._opening.add(picture)
        self._blank.add(picture)
        self._poster.add(picture)
        shown = self._label.over(picture)
        if self._preview is not None:
            self._preview.add(shown)
        return shown

    def give_up(self) -> None:
        """End the pass before another one begins, which writes the same files."""
        if self._preview is not None:
            self._preview.give_up()

    def check(self) -> None:
        """Raise `Blank` if all pictures were black, or all the same."""
        self._blank.conclude()

    def poster(self) -> PictureFacts | None:
        """Write the poster and its renditions if they are wanted."""
        return self._poster.write(self._beside.poster, self._beside.renditions) if self._beside.poster else None

    def preview(self, samples: bytes | None, seconds: int, limits: VideoLimits) -> ImageFacts | None:
        """Finish the preview, with sound where there are samples; None where it is not wanted or could not be made."""
        return self._preview.finish(samples, seconds, limits) if self._preview else None

    @property
    def preview_failed(self) -> str:
        """Return the class of the error for which there is no preview, or ""."""
        return self._preview.failure if self._preview else ""
