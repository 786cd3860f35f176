"""Videos of every shape become 16:9 by one rule, and none is refused for its shape."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from av.video.frame import VideoFrame
from PIL import Image, ImageOps

from jobs.media import Unrelated, normalise_video
from jobs.media.bars import active_area
from jobs.media.blank import BlankCheck
from jobs.media.errors import Blank
from jobs.media.framing import FilterChain, first_out, framing, layout_of
from jobs.media.layout import Box, Layout
from jobs.media.opening import LOOKED_AT, OpeningCheck
from tests.jobs.media.making import first_picture, frame_of, with_speck
from tests.jobs.media.promise import QUICK, assert_promise
from tests.jobs.media.shapes import SHAPES, Shape
from tests.jobs.media.test_opening import scene

pytestmark = pytest.mark.media

# A blurred edge, and one pixel of 4:2:0.
EDGE_PX = 12


def place_at(picture: Image.Image, x: float, y: float) -> tuple[float, float]:
    """Return the place in the source that a pixel shows, in shares of its sides."""
    pixel = picture.getpixel((int(x), int(y)))
    assert isinstance(pixel, tuple)
    return pixel[0] / 255, pixel[1] / 255


def assert_shown(picture: Image.Image, shape: Shape) -> None:
    """Check two corners of what is shown, which tell its position, its size and that it is not stretched."""
    left, top, right, bottom = shape.placed
    first_x, first_y, last_x, last_y = shape.shown
    inside_x, inside_y = (last_x - first_x) * EDGE_PX / (right - left), (last_y - first_y) * EDGE_PX / (bottom - top)
    first, last = place_at(picture, left + EDGE_PX, top + EDGE_PX), place_at(picture, right - EDGE_PX, bottom - EDGE_PX)
    assert first == pytest.approx((first_x + inside_x, first_y + inside_y), abs=0.03)
    assert last == pytest.approx((last_x - inside_x, last_y - inside_y), abs=0.03)


def assert_black_around(picture: Image.Image, placed: tuple[int, int, int, int]) -> None:
    """Check that all is black outside, to a few pixels of the edge."""
    left, top, right, bottom = placed
    around = picture.convert("L")
    around.paste(0, (max(0, left - EDGE_PX), max(0, top - EDGE_PX), right + EDGE_PX, bottom + EDGE_PX))
    assert max(around.getextrema()) <= 4  # type: ignore[operator]  # One channel: two numbers.


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_shape_becomes_what_the_page_says(tmp_path: Path, shape: Shape) -> None:
    source, target = shape.video().write(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    poster, preview = tmp_path / "out.webp", tmp_path / "preview.mp4"
    facts = normalise_video(source, target, seconds=1, poster=poster, preview=preview, settings=QUICK)
    assert_promise(target, facts, 1)
    assert facts.remuxed is shape.is_copied
    shown = [first_picture(target), Image.open(poster).convert("RGB"), first_picture(preview).resize((1920, 1080))]
    for picture in shown:
        assert_shown(turned_back(shape, picture), shape)
        assert_black_around(picture, shape.placed)


def turned_back(shape: Shape, picture: Image.Image) -> Image.Image:
    """Return the picture with its places as they are in the file, where the file says that it is turned."""
    if not shape.rotation:
        return picture
    red, green, blue = picture.split()
    # Turned counter-clockwise: right becomes up, and down becomes right.
    return Image.merge("RGB", (green, ImageOps.invert(red), blue))


def pictures_with_bars(*bars: tuple[int, int, int, int], blurred: bool = False) -> list[VideoFrame]:
    shapes = [Shape("", (640, 360), "", bars=each, blurred=blurred) for each in bars]
    return [frame_of(shape.picture()).reformat(format="yuv420p") for shape in shapes]


BARS = (0, 40, 0, 40)


def test_bars_are_found_to_the_pixel() -> None:
    assert active_area(pictures_with_bars(*[BARS] * 20)) == (0, 42, 640, 318)


def test_black_pictures_before_the_first_one_say_nothing() -> None:
    black = frame_of(Image.new("RGB", (640, 360))).reformat(format="yuv420p")
    assert active_area([black, *pictures_with_bars(*[BARS] * 20)]) == (0, 42, 640, 318)
    assert active_area([black] * 20) is None


@pytest.mark.parametrize(
    "pictures",
    [
        pictures_with_bars((0, 0, 0, 0)),
        pictures_with_bars((0, 40, 0, 0)),
        pictures_with_bars((0, 40, 0, 60)),
        pictures_with_bars(*[BARS] * 10, *[(0, 0, 0, 0)] * 11),
        pictures_with_bars(*[BARS] * 10, *[(0, 70, 0, 70)] * 11),
        pictures_with_bars(*[BARS] * 20, blurred=True),
    ],
    ids=["none", "on one side", "unequal", "not in every picture", "of changing width", "without an edge"],
)
def test_what_may_belong_to_the_scene_stays(pictures: list[VideoFrame]) -> None:
    assert active_area(pictures) is None


def test_figure_in_the_dark_has_no_bars() -> None:
    dark = Image.new("RGB", (640, 360))
    dark.paste("white", (310, 60, 330, 300))
    dark.paste("white", (200, 170, 440, 190))
    assert active_area([frame_of(dark).reformat(format="yuv420p")] * 20) is None


def framed(picture: Image.Image) -> VideoFrame:
    frame = frame_of(picture).reformat(format="yuv420p")
    frame.time_base = Fraction(1, 30)
    found = first_out(FilterChain(frame, Fraction(1, 30), framing(frame, Fraction(1), "yuv420p")), frame)
    assert found is not None
    return found


SIZES = [(1152, 768), (640, 480), (480, 480), (360, 640), (956, 400)]


def opening(video: Image.Image, made_from: Image.Image) -> None:
    layout = layout_of(frame_of(video), Fraction(1))
    check, picture = OpeningCheck(made_from.convert("L"), layout), framed(video)
    for _ in range(LOOKED_AT[-1] + 1):
        check.add(picture)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_scene_is_found_in_every_shape(size: tuple[int, int]) -> None:
    """Models crop a scene to their own shape, add to it, or stretch it."""
    opening(ImageOps.fit(scene(), size), scene())
    opening(ImageOps.pad(scene(), size, color="gray"), scene())
    opening(scene().resize(size), scene())


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_other_scene_is_refused_in_every_shape(size: tuple[int, int]) -> None:
    for other in (scene("wild west"), ImageOps.mirror(scene())):
        with pytest.raises(Unrelated):
            opening(ImageOps.fit(other, size), scene())


def test_bars_neither_move_nor_shine() -> None:
    """They count neither for a video that stands still nor for one that is black."""
    still = Image.effect_noise((480, 480), 80).convert("RGB")
    for picture in (still, Image.new("RGB", still.size)):
        check = BlankCheck()
        for _ in range(5):
            check.add(framed(picture))
        with pytest.raises(Blank):
            check.conclude()
    check = BlankCheck()
    check.add(framed(still))
    check.add(framed(with_speck(still)))
    check.conclude()


@pytest.mark.parametrize(
    ("active", "kept"),
    [
        ((0, 0, 1920, 1080), True),
        # 4:3 between the bars that it would be given, and a little off.
        ((240, 0, 1680, 1080), True),
        ((240, 4, 1680, 1076), True),
        # With bars on all four sides, it is made larger.
        ((306, 50, 1614, 1030), False),
    ],
)
def test_pictures_are_framed_as_wanted_only_with_the_bars_they_would_get(active: Box, kept: bool) -> None:
    assert Layout((1920, 1080), active, 0, Fraction(1)).keeps_pictures is kept
