"""The plainest studio: pictures are the input scaled to size, videos are a slow zoom into the first frame.

It draws canned media, and media for tests and benchmarks, whose content does not matter.
"""

from __future__ import annotations

import io
from fractions import Fraction

import av
from PIL import Image, ImageOps


class Sketch:
    """A studio that scales instead of drawing."""

    def wants_scene(self, prompt: str) -> bool:
        """Return whether the prompt mentions a scene."""
        return "scene" in prompt.lower()

    def make_avatar(self, photo: bytes, *, prompt: str, size_px: tuple[int, int], seed: int) -> bytes:
        """Return the photo, in fewer colours."""
        return _png(ImageOps.posterize(_fitted(photo, size_px), 3))

    def make_scene(self, avatar: bytes, *, prompt: str, size_px: tuple[int, int], seed: int) -> bytes:
        """Return the avatar, filling the scene."""
        return _png(_fitted(avatar, size_px))

    def make_animation(
        self, first_frame: bytes, *, prompt: str, seconds: int, fps: int, size_px: tuple[int, int], seed: int
    ) -> bytes:
        """Return an H.264 MP4 that starts with the picture."""
        still = _fitted(first_frame, size_px)
        out = io.BytesIO()
        with av.open(out, "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "crf": "28"})
            stream.width, stream.height = size_px
            stream.pix_fmt = "yuv420p"
            # One picture per second is drawn and repeated, which saves most of the time.
            for second in range(seconds):
                frame = av.VideoFrame.from_image(_zoomed(still, second))  # type: ignore[no-untyped-call]
                for number in range(second * fps, (second + 1) * fps):
                    frame.pts, frame.time_base = number, Fraction(1, fps)
                    container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return out.getvalue()


def _fitted(picture: bytes, size_px: tuple[int, int]) -> Image.Image:
    with Image.open(io.BytesIO(picture)) as image:
        return ImageOps.fit(image.convert("RGB"), size_px)


def _zoomed(still: Image.Image, step: int) -> Image.Image:
    width, height = still.size
    margin = 4 * step
    return still.crop((margin, margin, width - margin, height - margin)).resize(still.size)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()
