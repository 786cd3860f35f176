"""Crops a picture around its subject: where the detail and the skin are. Runs in the child process only."""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageChops, ImageFilter, ImageStat

Box = tuple[float, float, float, float]

# A picture's subject shows at this size, and costs a millisecond.
VIEW_PX: Final = 128
# The ranges of skin in YCbCr, of drawn figures as well: blue difference, red difference.
SKIN: Final = ((77, 127), (133, 173))
SKIN_COUNTS: Final = 0.35
# How much of the way from the middle to the border a crop may go.
SHIFT_MAX: Final = 0.9
# The share of what is worth seeing that the farthest crop must show more than the middle. Less is chance.
GAIN_MIN: Final = 0.08


def crop_box(image: Image.Image, ratio: tuple[int, int]) -> Box:
    """Return the largest box of `ratio`, moved from the middle toward the subject where that shows more of it.

    In fractions of a pixel, because rounding would stretch. The same picture always gives the same box.
    """
    width, height = image.size
    box_width = min(width, height * ratio[0] / ratio[1])
    box_height = min(height, width * ratio[1] / ratio[0])
    is_wide = width - box_width > height - box_height
    shift = _shift(_worth(image, is_wide), box_width / width if is_wide else box_height / height)
    left = (width - box_width) / 2 * (1 + (shift if is_wide else 0))
    top = (height - box_height) / 2 * (1 + (0 if is_wide else shift))
    return left, top, left + box_width, top + box_height


def _worth(image: Image.Image, is_wide: bool) -> list[float]:
    """Return how much there is to see in each column (`is_wide`) or row of a small view, its own border left out."""
    view = image.convert("RGB")
    view.thumbnail((VIEW_PX, VIEW_PX), Image.Resampling.BOX, reducing_gap=None)
    inner = (1, 1, view.width - 1, view.height - 1)
    edges = view.convert("L").filter(ImageFilter.FIND_EDGES).crop(inner)
    # Texture is everywhere, and no subject.
    usual = ImageStat.Stat(edges).median[0]
    seen = ImageChops.add(edges.point(lambda value: max(0, value - usual)), _skin(view).crop(inner))
    size = (seen.width, 1) if is_wide else (1, seen.height)
    line = seen.convert("F").resize(size, Image.Resampling.BOX)
    return [float(value) for value in line.get_flattened_data()]  # type: ignore[arg-type]  # One channel: no tuples.


def _skin(view: Image.Image) -> Image.Image:
    _, blue, red = view.convert("YCbCr").split()
    masks = [
        channel.point([255 * SKIN_COUNTS * (low <= value <= high) for value in range(256)])
        for channel, (low, high) in zip((blue, red), SKIN, strict=True)
    ]
    return ImageChops.darker(*masks)


def _shift(worth: list[float], share: float) -> float:
    """Return how far to move a crop of this share of the line: -1 to its beginning, 0 the middle, 1 to its end.

    The farther a crop is from the middle, the more it must show.
    """
    total, window = sum(worth), round(len(worth) * share)
    spare = len(worth) - window
    if not total or not spare:
        return 0.0
    middle = spare / 2

    def gain(at: int) -> float:
        moved = (at - middle) / middle
        return sum(worth[at : at + window]) / total - GAIN_MIN * abs(moved)

    best = max(range(spare + 1), key=lambda at: (gain(at), -abs(at - middle)))
    shown_in_the_middle = gain(spare // 2)
    if gain(best) <= shown_in_the_middle:
        return 0.0
    return max(-SHIFT_MAX, min(SHIFT_MAX, (best - middle) / middle))
