"""A film starts as its scene, then moves as the prompt says, for exactly the requested number of frames."""

from __future__ import annotations

import io
from functools import cache
from itertools import pairwise

import av
import numpy as np
import pytest
from PIL import Image

from simulator.studio import make_animation, make_avatar, make_scene
from simulator.studio.motion.direction import read_direction
from simulator.studio.pictures import cover
from tests.simulator.studio.pictures import difference, encoded, frames_of, opened, photo, ssim

SIZE = (480, 270)


@cache
def scene(theme: str = "pirate cove") -> bytes:
    avatar = make_avatar(encoded(photo()), prompt="an avatar", size_px=(512, 512), seed=1)
    return make_scene(avatar, prompt=theme, size_px=(768, 512), seed=1)


@cache
def film(prompt: str = "walks toward the camera", theme: str = "pirate cove", seconds: int = 2) -> bytes:
    return make_animation(scene(theme), prompt=prompt, seconds=seconds, fps=12, size_px=SIZE, seed=4)


def brightest_column(picture: Image.Image, wide: Image.Image) -> float:
    """Return the pixels to move the picture to the right for its best match with `wide`."""
    strip = np.asarray(picture.convert("L").crop((40, 14, 440, 46)), dtype=np.float64)
    whole = np.asarray(wide.convert("L").crop((0, 14, 480, 46)), dtype=np.float64)
    errors = [np.abs(whole[:, 40 + by : 440 + by] - strip).mean() for by in range(-40, 41)]
    return float(np.argmin(errors) - 40)


@pytest.mark.parametrize(("seconds", "fps"), [(1, 25), (2, 24), (3, 10)])
def test_a_film_has_exactly_its_frames(seconds: int, fps: int) -> None:
    made = make_animation(scene(), prompt="idle", seconds=seconds, fps=fps, size_px=(320, 180), seed=1)
    with av.open(io.BytesIO(made), "r") as container:
        stream = container.streams.video[0]
        times = [float(frame.time or 0.0) for frame in container.decode(stream)]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.width, stream.height) == (320, 180)
        assert stream.average_rate == fps
    assert times == pytest.approx([number / fps for number in range(seconds * fps)], abs=1e-4)


def test_the_index_comes_before_the_frames() -> None:
    made = film()
    assert 0 < made.find(b"moov") < made.find(b"mdat")


@pytest.mark.parametrize("theme", ["pirate cove", "neon city", "alpine summit"])
def test_the_first_frame_is_the_scene(theme: str) -> None:
    first = frames_of(film(theme=theme, seconds=1))[0]
    assert ssim(first, cover(opened(scene(theme)), SIZE)) > 0.95


def test_frames_differ_over_time() -> None:
    frames = frames_of(film())
    assert difference(frames[0], frames[-1]) > 0.01
    assert all(difference(a, b) > 0.0005 for a, b in pairwise(frames[1:]))


def test_nothing_jumps_between_frames() -> None:
    """A hole, a tear or a cut would make one step much larger than its neighbours."""
    frames = frames_of(film())
    steps = [difference(a, b) for a, b in pairwise(frames)]
    assert max(steps) < 0.05
    assert max(steps) < 4 * float(np.median(steps))


@pytest.mark.parametrize("style", ["walk", "wave", "look around", "idle"])
def test_the_styles_move_differently(style: str) -> None:
    others = [name for name in ("walk", "wave", "look around", "idle") if name != style]
    mine = frames_of(film(f"static shot, the character {style}s"))[-1]
    assert all(difference(mine, frames_of(film(f"static shot, the character {name}s"))[-1]) > 0.002 for name in others)


def test_a_pan_moves_the_view_its_way() -> None:
    start = cover(opened(scene()), SIZE)
    right, left = (frames_of(film(f"[Pan {way}] idle"))[-1] for way in ("right", "left"))
    assert brightest_column(right, start) > 3
    assert brightest_column(left, start) < -3


def test_a_walker_sways_from_side_to_side() -> None:
    """Half a stride apart the head leans to either side. By then, after 1.3 s, the walk has come to full strength."""
    frames = frames_of(film("static shot, the character walks", seconds=2))
    face = (200, 60, 280, 130)
    right, left = (np.asarray(frames[number].convert("L"), dtype=np.float64) for number in (16, 22))
    strip = right[face[1] : face[3], face[0] : face[2]]
    errors = [np.abs(left[face[1] : face[3], face[0] + by : face[2] + by] - strip).mean() for by in range(-20, 21)]
    assert abs(int(np.argmin(errors)) - 20) >= 3


def test_a_static_camera_leaves_the_setting_where_it_is() -> None:
    frames = frames_of(film("[Static shot] idle"))
    corner = (0, 0, 90, 90)
    assert ssim(frames[0].crop(corner), frames[-1].crop(corner)) > 0.85


@pytest.mark.parametrize(
    ("prompt", "sign"), [("push in slowly", 1), ("[Pull out]", -1), ("[Zoom in]", 1), ("static camera", 0)]
)
def test_the_prompts_camera_is_understood(prompt: str, sign: int) -> None:
    assert np.sign(read_direction(prompt).zoom) == sign


def test_a_scene_without_a_cut_out_figure_moves_too() -> None:
    """Pictures that others made have no paper edge: they are bent instead, and nothing opens."""
    picture = photo(size=SIZE)
    made = make_animation(encoded(picture), prompt="walk", seconds=1, fps=12, size_px=SIZE, seed=1)
    frames = frames_of(made)
    assert ssim(frames[0], cover(picture, SIZE)) > 0.8
    assert difference(frames[0], frames[-1]) > 0.003
    assert min(np.asarray(frame).mean(axis=2).min() for frame in frames) > 4


def test_equal_arguments_give_equal_bytes() -> None:
    again = make_animation(scene(), prompt="walks toward the camera", seconds=2, fps=12, size_px=SIZE, seed=4)
    assert film() == again


@pytest.mark.parametrize(
    ("seconds", "fps", "size_px"), [(0, 25, SIZE), (6, 0, SIZE), (61, 25, SIZE), (6, 25, (481, 270)), (6, 25, (8, 8))]
)
def test_a_film_that_cannot_be_made_is_rejected(seconds: int, fps: int, size_px: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        make_animation(scene(), prompt="walk", seconds=seconds, fps=fps, size_px=size_px, seed=1)
