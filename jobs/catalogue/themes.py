"""Themes of scenes, read from `themes.json` and an optional file of the operator: a new theme is data, not code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

_KEY = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WORDS_MAX = 400


class ThemesError(ValueError):
    """A file of themes is invalid. The message names the file, the theme and the rule it breaks."""


@dataclass(frozen=True, slots=True)
class Theme:
    """One theme: its key, name and description for users, and the words that go into prompts."""

    key: str
    name: str
    description: str
    palette: str
    setting: str
    light: str
    ambience: str


@cache
def themes() -> Mapping[str, Theme]:
    """Return every built-in theme by its key, in the order in which they are offered."""
    return _read((files("jobs.catalogue") / "themes.json").read_text(encoding="utf-8"), "themes.json")


def themes_with(path: Path | None) -> Mapping[str, Theme]:
    """Return the built-in themes and those of a file, which come last and replace built-in ones of the same key.

    Raises ThemesError for an unreadable or invalid file.
    """
    if path is None:
        return themes()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ThemesError(f"{path} cannot be read: {type(error).__name__}") from None
    return MappingProxyType({**themes(), **_read(text, str(path))})


def _read(text: str, source: str) -> Mapping[str, Theme]:
    try:
        records = json.loads(text)
    except ValueError as error:
        raise ThemesError(f"{source} is not JSON: {error}") from None
    if not isinstance(records, list):
        raise ThemesError(f"{source} must be a list of themes")
    read = [_theme(record, f"{source}, theme {number}") for number, record in enumerate(records, start=1)]
    return MappingProxyType({theme.key: theme for theme in read})


def _theme(record: object, place: str) -> Theme:
    names = [field.name for field in fields(Theme)]
    if not isinstance(record, dict) or set(record) != set(names):
        raise ThemesError(f"{place}: it must have exactly {', '.join(names)}")
    for name, words in record.items():
        if not isinstance(words, str) or not 1 <= len(words) <= _WORDS_MAX or not words.isprintable():
            raise ThemesError(f"{place}: {name} must be one line of 1 to {_WORDS_MAX} characters")
    if not _KEY.fullmatch(record["key"]):
        raise ThemesError(f"{place}: key must be small letters and digits with single hyphens, like neon-city")
    return Theme(**record)
