"""The places that scenes are set in, one file each, and how a prompt chooses among them."""

from __future__ import annotations

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

    Of several matches the longest wins: "neon city" beats "city", and a name beats a word that only hints at it.
    """
    text = " ".join(prompt.lower().replace("-", " ").replace("_", " ").split())
    matches = [(len(word), setting) for setting in SETTINGS for word in setting.words if word in text]
    return max(matches, key=lambda match: match[0])[1] if matches else ABSTRACT


def names_a_setting(prompt: str) -> bool:
    """Return whether the prompt names one of the drawn settings."""
    return setting_for(prompt) is not ABSTRACT
