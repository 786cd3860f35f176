"""A scene comes to life: the figure moves, the camera moves a little, and something drifts through the air."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from PIL import Image

from simulator.studio.motion.actor import Actor, find_actor
from simulator.studio.motion.bend import Grid, bent
from simulator.studio.motion.camera import MARGIN, Camera, View, extended
from simulator.studio.motion.direction import read_direction
from simulator.studio.motion.film import film
from simulator.studio.motion.gait import Gait
from simulator.studio.motion.particles import Drift, kind_for
from simulator.studio.pictures import check_size, cover, on_paper, read_picture
from simulator.studio.words import seeded


def make_animation(
    first_frame: bytes, *, prompt: str, seconds: int, fps: int, size_px: tuple[int, int], seed: int
) -> bytes:
    """Return an MP4 of exactly `seconds` x `fps` frames that starts as `first_frame` and moves as `prompt` says.

    Equal arguments give equal bytes. Raises ValueError when the frame cannot be read, a side is odd or out of range,
    or the length is not within 1 to 60 seconds at 1 to 60 frames a second.
    """
    _check_film(seconds, fps, size_px)
    scene = cover(on_paper(read_picture(first_frame, role="first frame")), size_px)
    return film(_frames(scene, prompt, seconds, fps, seed), fps=fps, size_px=size_px)


def _check_film(seconds: int, fps: int, size_px: tuple[int, int]) -> None:
    check_size(size_px)
    if size_px[0] % 2 or size_px[1] % 2:
        raise ValueError(f"size is {size_px[0]}x{size_px[1]} px; both sides of a film must be even")
    if not (1 <= seconds <= 60 and 1 <= fps <= 60):
        raise ValueError(f"{seconds} s at {fps} frames a second; both must be between 1 and 60")


def _frames(scene: Image.Image, prompt: str, seconds: int, fps: int, seed: int) -> Iterator[Image.Image]:
    direction = read_direction(prompt)
    actor, camera = find_actor(scene), Camera(scene.size, direction)
    gait = Gait(direction.style, actor.box[3] - actor.box[1])
    drift = Drift(kind_for(prompt, scene), scene.size, seeded(prompt, seed))
    plate, total = extended(actor.plate), seconds * fps
    for number in range(total):
        at_s, progress = number / fps, number / max(1, total - 1)
        frame = _staged(actor, plate, camera, gait, at_s, progress)
        drift.paint(frame, at_s)
        yield frame


def _staged(actor: Actor, plate: Image.Image, camera: Camera, gait: Gait, at_s: float, progress: float) -> Image.Image:
    """Return the camera's view with the figure in it, before anything drifts past."""
    view = camera.view(progress)
    if actor.is_cut:
        frame = camera.shot(plate, view)
        _place(frame, actor, view, gait, at_s, progress)
        return frame
    return camera.shot(_bent_around(actor, plate, gait, at_s, progress), view)


def _place(frame: Image.Image, actor: Actor, view: View, gait: Gait, at_s: float, progress: float) -> None:
    """Paste the moving figure, growing from its feet, where the camera sees it."""
    left, top, right, bottom = actor.box
    growth = gait.growth(progress)
    foot_x, foot_y = view.place((left + right) / 2, bottom)
    foot_y += (growth - 1) * 0.16 * (bottom - top)
    size, room = view.zoom * growth, round(gait.height_px * 0.07)
    wide, tall = round((right - left) * size) + 2 * room, round((bottom - top) * size) + 2 * room
    # Rounding the place to whole pixels would make the slow growth judder; the rest goes into the fetch.
    at_x, at_y = math.floor(foot_x - wide / 2), math.floor(foot_y - tall + room)
    rest_x, rest_y = foot_x - wide / 2 - at_x, foot_y - tall + room - at_y

    def fetch(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        from_x, from_y = (x - rest_x - wide / 2) / size, (y - rest_y - tall + room) / size
        u, v = from_x / ((right - left) / 2), 1 + from_y / (bottom - top)
        dx, dy = gait.offset(np.clip(u, -1, 1), np.clip(v, 0, 1), at_s)
        return from_x + (right - left) / 2 - dx, from_y + (bottom - top) - dy

    moved = bent(actor.figure, (wide, tall), (10, 16), fetch)
    frame.paste(moved, (at_x, at_y), moved)


def _bent_around(actor: Actor, plate: Image.Image, gait: Gait, at_s: float, progress: float) -> Image.Image:
    """Return the plate bent where the figure is, fading to stillness around it: nothing can tear or open."""
    margin = round(plate.height * MARGIN / (1 + 2 * MARGIN))
    left, top, right, bottom = (edge + margin for edge in actor.box)
    middle, half, tall = (left + right) / 2, (right - left) / 2, bottom - top

    def fetch(x: Grid, y: Grid) -> tuple[Grid, Grid]:
        u, v = (x - middle) / half, (y - top) / tall
        near = np.exp(-((np.abs(u) / 1.05) ** 4) - (np.abs(v - 0.52) / 0.62) ** 6)
        dx, dy = gait.offset(np.clip(u, -1, 1), np.clip(v, 0, 1), at_s)
        grown = 1 + (gait.growth(progress) - 1) * near
        return middle + (x - middle) / grown - dx * near, bottom + (y - bottom) / grown - dy * near

    return bent(plate, plate.size, (32, 20), fetch)
