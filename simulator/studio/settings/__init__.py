"""The places that scenes are set in, one file each, and how a prompt chooses among them."""

from __future__ import annotations

import re

from simulator.studio.settings import (
    abstract,
    alpine_summit,
    coral_reef,
    desert_ruins,
    enchanted_forest,
    haunted_manor,
    jungle_temple,
    medieval_castle,
    moon_base,
    neon_city,
    pirate_cove,
    sky_islands,
    wild_west,
)
from simulator.studio.settings.setting import Setting

SETTINGS: tuple[Setting, ...] = (
    enchanted_forest.SETTING,
    neon_city.SETTING,
    coral_reef.SETTING,
    moon_base.SETTING,
    pirate_cove.SETTING,
    alpine_summit.SETTING,
    desert_ruins.SETTING,
    jungle_temple.SETTING,
    medieval_castle.SETTING,
    wild_west.SETTING,
    sky_islands.SETTING,
    haunted_manor.SETTING,
)
ABSTRACT = abstract.SETTING


def setting_for(prompt: str) -> Setting:
    """Return the setting that the prompt names, or the abstract backdrop when it names none.

    What stands in quotes counts first: there a template puts its theme, and its other words are about craft. Of
    several matches the longest wins: "neon city" beats "city".
    """
    return _named_in(" ".join(_QUOTED.findall(prompt))) or _named_in(prompt) or ABSTRACT


_QUOTED = re.compile(r"(?<!\w)[\"“«'‘]([^\"“”«»]{3,200}?)[\"”»'’](?!\w)")


def _named_in(text: str) -> Setting | None:
    plain = " ".join(re.findall(r"[a-z]+", text.lower()))
    matches = [(len(word), n) for n, setting in enumerate(SETTINGS) for word in setting.words if _has(plain, word)]
    return SETTINGS[max(matches)[1]] if matches else None


def _has(text: str, word: str) -> bool:
    """Return whether the text has the whole word or its plural: a template is no temple."""
    return re.search(rf"\b{word}s?\b", text) is not None


def names_a_setting(prompt: str) -> bool:
    """Return whether the prompt names one of the drawn settings."""
    return setting_for(prompt) is not ABSTRACT
