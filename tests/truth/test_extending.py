"""docs/extending.md: its files exist and contain what the page says, and adding a theme works as described."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobs.catalogue.themes import themes, themes_with

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGE = (DOCS / "extending.md").read_text(encoding="utf-8")
# The most files that a change may touch, its test included.
FILES_MAX = {
    "A theme": 2,
    "A model": 4,
    "A setting": 4,
    "An error code": 5,
    "An existing column in the API": 4,
    "A field that callers give": 8,
    "A column": 3,
    "A step": 7,
}


def walk(heading: str) -> list[str]:
    """Return the rows of the table under a heading."""
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [line for line in part.splitlines() if line.startswith("| ") and "](../" in line]


def rows() -> list[tuple[str, str]]:
    """Return every file that the page names, with the text that it must contain."""
    found = []
    for line in PAGE.splitlines():
        if line.startswith("| ") and "](../" in line:
            file, _, beside = (cell.strip() for cell in line.strip("|").split(" | "))
            path = re.search(r"\]\(\.\./([^)]+)\)", file)
            assert path is not None, line
            found.append((path[1], beside.strip("` |")))
    return found


@pytest.mark.parametrize(("path", "beside"), rows())
def test_a_named_file_contains_what_the_page_says(path: str, beside: str) -> None:
    """A folder must contain a file whose name begins with that text."""
    place = ROOT / path
    if place.is_dir():
        assert any(file.name.startswith(beside) for file in place.iterdir())
    else:
        assert beside in place.read_text(encoding="utf-8")


@pytest.mark.parametrize("heading", FILES_MAX)
def test_a_change_touches_few_files(heading: str) -> None:
    assert 1 <= len(walk(heading)) <= FILES_MAX[heading]


def test_adding_a_theme_works_as_the_page_says(tmp_path: Path) -> None:
    example = re.search(r"```json\n(.*?)```", (DOCS / "themes.md").read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    (tmp_path / "themes.json").write_text(example[1], encoding="utf-8")
    assert set(themes_with(tmp_path / "themes.json")) - set(themes()) == {"steam-city"}
