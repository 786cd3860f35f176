"""Makes the outputs of the image and video models in a few threads, and caches them.

A studio (`simulator.studio`) draws them. An output depends only on the model, the relevant inputs and the bytes of the
input picture, so equal predictions share one drawing.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from PIL import Image, ImageDraw

from simulator.models.catalogue import Model


class Studio(Protocol):
    """Draws pictures and videos; all functions are pure, and slow enough to be called in a thread."""

    def wants_scene(self, prompt: str) -> bool:
        """Return whether the prompt asks for a scene rather than an avatar."""

    def make_avatar(self, photo: bytes, *, prompt: str, size_px: tuple[int, int], seed: int) -> bytes:
        """Return a PNG of the person in the photo, drawn."""

    def make_scene(self, avatar: bytes, *, prompt: str, size_px: tuple[int, int], seed: int) -> bytes:
        """Return a PNG of the drawn person in the place that the prompt describes."""

    def make_animation(
        self, first_frame: bytes, *, prompt: str, seconds: int, fps: int, size_px: tuple[int, int], seed: int
    ) -> bytes:
        """Return an MP4 that starts with the picture."""


@dataclass(frozen=True, slots=True)
class Media:
    """The bytes of an output file and their type."""

    content: bytes
    content_type: str
    extension: str


@dataclass(frozen=True, slots=True)
class PictureOrder:
    """A picture to draw for a gpt-image call, which may request several: `index` is this one's position."""

    prompt: str
    size_px: tuple[int, int]
    format: str
    quality: int
    index: int


@dataclass(frozen=True, slots=True)
class VideoOrder:
    """A video to draw. Its width follows from the picture's proportions."""

    prompt: str
    short_side_px: int
    seconds: int
    fps: int


Order = PictureOrder | VideoOrder
_SCENE_SIZE_PX = (1536, 1024)


def orders(model: Model, given: Mapping[str, Any], *, canned: bool) -> list[Order]:
    """Return the orders for this input; with `canned`, ignore the prompt."""
    values = model.completed(given)
    prompt = "" if canned else str(values.get("prompt", ""))
    if model.kind == "images":
        first = _picture_order(model.output, values, prompt)
        return [_nth(first, 0 if canned else index) for index in range(model.count(given))]
    return [_video_order(model.output, values, prompt)]


def _picture_order(output: Mapping[str, Any], values: Mapping[str, Any], prompt: str) -> PictureOrder:
    width_px, height_px = output["sizes_px"][values[output["size_input"]]]
    quality = int(values[output["compression_input"]])
    return PictureOrder(prompt, (width_px, height_px), values[output["format_input"]], quality, 0)


def _nth(order: PictureOrder, index: int) -> PictureOrder:
    return PictureOrder(order.prompt, order.size_px, order.format, order.quality, index)


def _video_order(output: Mapping[str, Any], values: Mapping[str, Any], prompt: str) -> VideoOrder:
    seconds = values.get(output.get("seconds_input", ""), output["seconds"])
    resolution = values.get(output.get("resolution_input", ""))
    short_side_px = output["short_sides_px"][resolution] if resolution else output["short_side_px"]
    return VideoOrder(prompt, short_side_px, int(seconds), output["fps"])


class Easel:
    """Fills orders in threads, each distinct order once, with a bounded cache of the results."""

    def __init__(self, studio: Studio, *, seed: int, cache_bytes: int, workers: int) -> None:
        self.studio = studio
        self.seed = seed
        self.cache_bytes = cache_bytes
        self.drawn = 0
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="easel")
        self._made: OrderedDict[str, asyncio.Future[Media]] = OrderedDict()
        self._cached_bytes = 0

    async def fill(self, model: Model, order: Order, picture: bytes | None) -> Media:
        """Return the output for an order, and draw it unless it is cached. Raises any error of the drawing."""
        key = _key(model, order, picture)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = asyncio.ensure_future(self._draw(order, picture))
            made.add_done_callback(lambda done: self._keep(key, done))
        self._made.move_to_end(key)
        # Shielded: if this prediction is canceled, another one may still wait for the same drawing.
        return await asyncio.shield(made)

    async def in_thread(self, work: Callable[[], Media]) -> Media:
        """Do slow work in one of the threads and return its result."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Shut the threads down and abandon unfinished drawings."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _draw(self, order: Order, picture: bytes | None) -> Media:
        self.drawn += 1
        return await self.in_thread(lambda: _draw(self.studio, order, picture, self.seed))

    def _keep(self, key: str, done: asyncio.Future[Media]) -> None:
        """Cache a drawing, and evict the oldest until all fit; a failed drawing is not cached."""
        if done.cancelled() or done.exception() is not None:
            self._made.pop(key, None)
            return
        if self._made.get(key) is not done:
            return
        self._cached_bytes += len(done.result().content)
        while self._cached_bytes > self.cache_bytes and len(self._made) > 1:
            _, dropped = self._made.popitem(last=False)
            if dropped.done():
                self._cached_bytes -= len(dropped.result().content)


def _key(model: Model, order: Order, picture: bytes | None) -> str:
    digest = hashlib.sha256(picture or b"").hexdigest()
    return f"{model.path} {order!r} {digest}"


def _draw(studio: Studio, order: Order, picture: bytes | None, seed: int) -> Media:
    if isinstance(order, VideoOrder):
        return Media(_video(studio, order, picture or canned_scene(studio, seed), seed), "video/mp4", "mp4")
    source = picture if picture is not None else stand_in_photo()
    make = studio.make_scene if studio.wants_scene(order.prompt) else studio.make_avatar
    png = make(source, prompt=order.prompt, size_px=order.size_px, seed=seed + order.index)
    return Media(_encoded(png, order), f"image/{order.format}", order.format)


def canned_scene(studio: Studio, seed: int) -> bytes:
    """Return the picture that canned videos begin with, because their callers expect them to begin with their scene.

    It is what a studio draws without a prompt and an input, at the size that scenes are requested in.
    """
    return studio.make_avatar(stand_in_photo(), prompt="", size_px=_SCENE_SIZE_PX, seed=seed)


def _video(studio: Studio, order: VideoOrder, picture: bytes, seed: int) -> bytes:
    size_px = video_size_px(picture, order.short_side_px)
    return studio.make_animation(
        picture, prompt=order.prompt, seconds=order.seconds, fps=order.fps, size_px=size_px, seed=seed
    )


def video_size_px(picture: bytes, short_side_px: int) -> tuple[int, int]:
    """Return the size of a video that keeps the picture's proportions, in even numbers, as H.264 requires."""
    with Image.open(io.BytesIO(picture)) as image:
        width, height = image.size
    scale = short_side_px / min(width, height)
    return _even(width * scale), _even(height * scale)


def _even(length: float) -> int:
    return 2 * round(length / 2)


def _encoded(png: bytes, order: PictureOrder) -> bytes:
    """Return the picture in the requested format."""
    if order.format == "png":
        return png
    with Image.open(io.BytesIO(png)) as image:
        out = io.BytesIO()
        # JPEG has no transparency; WebP keeps it.
        flat = image.convert("RGB") if order.format == "jpeg" else image
        flat.save(out, order.format.upper(), quality=order.quality)
    return out.getvalue()


def stand_in_photo() -> bytes:
    """Return a plain PNG of a head and shoulders, for calls without a picture."""
    image = Image.new("RGB", (768, 768), (188, 206, 224))
    pen = ImageDraw.Draw(image)
    pen.ellipse((150, 560, 618, 1100), fill=(70, 90, 140))
    pen.ellipse((244, 160, 524, 560), fill=(226, 178, 148))
    pen.pieslice((230, 130, 538, 470), 180, 360, fill=(74, 50, 36))
    pen.ellipse((320, 330, 348, 358), fill=(40, 30, 30))
    pen.ellipse((420, 330, 448, 358), fill=(40, 30, 30))
    pen.arc((330, 400, 438, 480), 20, 160, fill=(150, 60, 60), width=8)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
