"""Measures whether pictures consist of two fields, and which of them is shown first, where no flag says so or one lies.

Runs in the child process only. FFmpeg's `idet` compares how well the lines of each picture fit those of the pictures
before and after it. Fine stripes that stand still fit both alike, and so do not count.
"""

from __future__ import annotations

from collections import Counter, deque
from fractions import Fraction
from typing import Final

from av.video.frame import VideoFrame

from jobs.media.framing import FilterChain

# Between 1.2, by which a fine test picture of 60 whole ones a second was fields in a fifth of its pictures, and 1.5, by
# which true fields of a coarse encoding were missed.
THRESHOLD: Final = 1.3
VERDICT: Final = "lavfi.idet.single.current_frame"
UNDETERMINED: Final = "undetermined"
ORDERS: Final = frozenset({"tff", "bff"})
# Of so many pictures in a row, so many must agree and none may say otherwise; one without movement says nothing.
IN_A_ROW: Final = 16
AGREEING: Final = 12


class FieldMeasure:
    """Judges the pictures of one video, given one after the other, until enough of them agree.

    `order` is then `tff` or `bff`, by the field that is shown first; it stays empty for whole pictures.
    """

    def __init__(self, first: VideoFrame, time_base: Fraction) -> None:
        self.order = ""
        self._chain = FilterChain(first, time_base, [("idet", f"intl_thres={THRESHOLD}")])
        self._verdicts: deque[str] = deque(maxlen=IN_A_ROW)
        self._is_done = False

    def add(self, picture: VideoFrame) -> None:
        """Take the next picture into account."""
        if self._is_done:
            return
        for judged in self._chain.push(picture):
            self._verdicts.append(judged.metadata.get(VERDICT, UNDETERMINED))
        said = Counter(verdict for verdict in self._verdicts if verdict != UNDETERMINED)
        if len(said) == 1 and said.total() >= AGREEING:
            self._is_done = True
            self.order = next(iter(said)) if said.keys() <= ORDERS else ""
