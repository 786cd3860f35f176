"""Exposing frames on an H.264 film."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

_X264 = {"preset": "superfast", "crf": "20", "tune": "animation"}


def film(frames: Iterable[Image.Image], *, fps: int, size_px: tuple[int, int]) -> bytes:
    """Return the frames as an MP4 (H.264, yuv420p, index first) of constant rate.

    The muxer puts the index first in a second pass that opens the file by name, hence the temporary directory.
    """
    with tempfile.TemporaryDirectory(prefix="film-") as folder:
        path = Path(folder) / "film.mp4"
        _expose(frames, path, fps, size_px)
        return path.read_bytes()


def _expose(frames: Iterable[Image.Image], path: Path, fps: int, size_px: tuple[int, int]) -> None:
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("h264", rate=fps, options=_X264)
        stream.width, stream.height = size_px
        stream.pix_fmt = "yuv420p"
        stream.time_base = Fraction(1, fps)
        # A fixed number keeps the bytes equal on machines with other numbers of cores.
        stream.codec_context.thread_count = 2
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
