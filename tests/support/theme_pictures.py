"""`python -m tests.support.theme_pictures PORTRAIT FOLDER`: draw a picture of each theme, to choose from.

The pictures in `jobs/catalogue/pictures` were made so, from the demo's portrait. WebP, 480×270 pixels, at most 40 kB.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from PIL import Image

from jobs.catalogue.themes import Theme, themes
from simulator import studio

_SIZE_PX = (480, 270)
_DRAWN_AT_PX = (1920, 1080)
_QUALITY = 80


def main(portrait: Path, folder: Path) -> None:
    """Draw a figure from a portrait, and write a picture of it in each theme to a folder."""
    avatar = studio.make_avatar(portrait.read_bytes(), prompt="", size_px=(1024, 1024), seed=1)
    for theme in themes().values():
        (folder / f"{theme.key}.webp").write_bytes(picture_of(theme, avatar))


def picture_of(theme: Theme, avatar: bytes) -> bytes:
    """Return the picture of a theme as WebP."""
    drawn = studio.make_scene(avatar, prompt=f"scene: {theme.setting}", size_px=_DRAWN_AT_PX, seed=1)
    made = BytesIO()
    with Image.open(BytesIO(drawn)) as image:
        small = image.convert("RGB").resize(_SIZE_PX, Image.Resampling.LANCZOS)
        small.save(made, "WEBP", quality=_QUALITY, method=6)
    return made.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
