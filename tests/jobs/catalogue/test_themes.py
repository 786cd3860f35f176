"""Themes are data: the built-in ones, and those of an operator's file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from jobs.catalogue.themes import ThemesError, themes, themes_with

OWN = {**asdict(themes()["neon-city"]), "key": "steam-city", "name": "Steam City"}


def written(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "themes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_there_are_at_least_twelve_themes_with_words_for_everything() -> None:
    assert len(themes()) >= 12
    assert all(all(asdict(theme).values()) for theme in themes().values())


def test_a_file_adds_themes_behind_the_built_in_ones(tmp_path: Path) -> None:
    found = themes_with(written(tmp_path, [OWN]))
    assert list(found) == [*themes(), "steam-city"]
    assert found["steam-city"].name == "Steam City"


def test_a_file_replaces_a_built_in_theme_in_its_place(tmp_path: Path) -> None:
    found = themes_with(written(tmp_path, [{**OWN, "key": "neon-city"}]))
    assert list(found) == list(themes())
    assert found["neon-city"].name == "Steam City"


def test_without_a_file_the_themes_are_the_built_in_ones() -> None:
    assert themes_with(None) is themes()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "is not JSON"),
        ({}, "must be a list"),
        (["neon-city"], "theme 1: it must have exactly key, name"),
        ([OWN, {**OWN, "mood": "x"}], "theme 2: it must have exactly key, name"),
        ([{**OWN, "key": "Steam City"}], "key must be small letters"),
        ([{**OWN, "light": ""}], "light must be one line"),
        ([{**OWN, "setting": "a\nb"}], "setting must be one line"),
        ([{**OWN, "palette": "x" * 401}], "palette must be one line"),
        ([{**OWN, "name": 7}], "name must be one line"),
    ],
)
def test_the_error_for_a_wrong_file_names_the_correct_form(tmp_path: Path, content: Any, why: str) -> None:
    with pytest.raises(ThemesError, match=why):
        themes_with(written(tmp_path, content))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ThemesError, match="cannot be read"):
        themes_with(tmp_path / "nothing.json")
