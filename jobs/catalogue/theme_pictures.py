"""Pictures of the built-in themes, to choose from. `python -m tests.support.theme_pictures` made them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from jobs.catalogue.themes import Theme, themes

CONTENT_TYPE = "image/webp"
_DIGEST_CHARACTERS = 12


@cache
def theme_pictures() -> Mapping[str, bytes]:
    """Return the pictures, WebP of 480×270 pixels, by their names; a changed picture has another name."""
    folder = files("jobs.catalogue") / "pictures"
    found = {key: (folder / f"{key}.webp").read_bytes() for key in themes()}
    return {_name(key, content): content for key, content in found.items()}


def name_of_picture(theme: Theme) -> str | None:
    """Return the name of a theme's picture, or None for one of the operator's, which may replace a built-in one."""
    return _names().get(theme.key) if themes().get(theme.key) == theme else None


@cache
def _names() -> Mapping[str, str]:
    return {name.rpartition("-")[0]: name for name in theme_pictures()}


def _name(key: str, content: bytes) -> str:
    return f"{key}-{hashlib.sha256(content).hexdigest()[:_DIGEST_CHARACTERS]}.webp"
