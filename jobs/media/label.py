"""Draws the visible label, such as "AI-generated", into finished pictures. Runs in the child process only.

It stands in the upper left corner: players put their controls at the bottom, and platforms their buttons on the right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PIL import Image

if TYPE_CHECKING:
    from PIL import ImageFont

# The size of the letters, the space around them and the distance from the borders, as shares of the picture's height.
LETTERS: Final = 1 / 20
PADDING: Final = 1 / 80
MARGIN: Final = 1 / 40
# White on an opaque black plate is read on any picture.
LETTER_COLOR: Final = (255, 255, 255)
PLATE_COLOR: Final = (0, 0, 0)


def labelled(image: Image.Image, text: str) -> Image.Image:
    """Return a copy of the picture with the label."""
    shown = image.copy()
    margin = margin_px(image.height)
    shown.paste(plate(image.size, text).convert(image.mode), (margin, margin))
    return shown


def margin_px(height_px: int) -> int:
    """Return how far from the left and the upper border the label begins: even, as a video's colors want it."""
    return _even(height_px * MARGIN)


def plate(size: tuple[int, int], text: str) -> Image.Image:
    """Return the label for a picture of this size. One that would be too wide for it has smaller letters."""
    width, height = size
    room = width - 2 * margin_px(height) - 2 * _even(height * PADDING)
    fonts = (_font(letters_px) for letters_px in range(round(height * LETTERS), 0, -1))
    # Letters keep to whole pixels, so that a text's length is not in proportion to their size.
    return _drawn(text, next(font for font in fonts if font.getlength(text) <= room), _even(height * PADDING))


def _drawn(text: str, font: ImageFont.FreeTypeFont, padding: int) -> Image.Image:
    """Return the text on its plate, whose height does not depend on which letters it has."""
    from PIL import ImageDraw

    ascent, descent = font.getmetrics()
    size = (_even(font.getlength(text)) + 2 * padding, _even(ascent + descent) + 2 * padding)
    drawn = Image.new("RGB", size, PLATE_COLOR)
    ImageDraw.Draw(drawn).text((padding, padding), text, fill=LETTER_COLOR, font=font)
    return drawn


def _font(letters_px: float) -> ImageFont.FreeTypeFont:
    """Return the font that Pillow brings, Aileron (CC0), which has the printable characters of ASCII."""
    # Imported here, so that pictures without a label do not wait for the font's library to load.
    from PIL import ImageFont

    font = ImageFont.load_default(letters_px)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise OSError("this Pillow was built without FreeType")
    return font


def _even(length: float) -> int:
    return 2 * round(length / 2)
