"""The themes of THEMES_FILE are offered and reach the models; a wrong file keeps the program from starting."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from diorama.settings import SettingsError, read_settings
from diorama.wiring import build_catalogue, build_themes
from jobs.catalogue.themes import themes

OWN = {**asdict(themes()["neon-city"]), "key": "steam-city"}


def test_a_theme_of_the_file_is_offered(tmp_path: Path) -> None:
    path = tmp_path / "themes.json"
    path.write_text(json.dumps([OWN]), encoding="utf-8")
    build_catalogue(read_settings(_env_file=None, themes_file=str(path))).check_theme("steam-city")


def test_a_wrong_file_is_reported_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "themes.json"
    path.write_text(json.dumps([{**OWN, "light": ""}]), encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        build_catalogue(read_settings(_env_file=None, themes_file=str(path)))
    assert str(refused.value).startswith("THEMES_FILE is wrong: ")
    assert "theme 1: light must be one line" in str(refused.value)


def test_an_empty_setting_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files pass unset variables on as empty ones."""
    for name in ("THEMES_FILE", "MODELS", "S3_ENDPOINT_URL"):
        monkeypatch.setenv(name, "")
    settings = read_settings(_env_file=None)
    assert build_themes(settings) is themes()
    assert settings.models == type(settings).model_fields["models"].default
    assert settings.s3_endpoint_url is None


def test_the_example_in_the_documentation_works(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "themes.md").read_text(encoding="utf-8")
    example = page.split("```json\n")[1].split("```")[0]
    path = tmp_path / "themes.json"
    path.write_text(example, encoding="utf-8")
    assert "steam-city" in build_themes(read_settings(_env_file=None, themes_file=str(path)))
