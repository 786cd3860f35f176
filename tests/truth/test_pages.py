"""The pages: links have targets, and the commands, settings, files and queries that they name exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import pytest
from graphql import build_schema, parse, validate

from diorama.cli import app
from diorama.settings import Settings
from statemachine.vocabulary import ActivityType, WebhookEventType

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
DECISIONS = DOCS / "decisions"
TESTS_README = ROOT / "tests" / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", TESTS_README, *sorted(DOCS.rglob("*.md"))]
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

# A path in backticks: it has a folder and one of our file endings, or it ends with a slash.
_PATH = re.compile(r"`((?:[a-z_]+/)+(?:[a-z_0-9.-]+\.(?:py|sql|json|md|graphql))?)`")
_FOLDERS = {"db", "diorama", "docs", "jobs", "schema", "simulator", "statemachine", "storage", "tests"}
_SETTING = re.compile(r"`((?:PROVIDER|JOB|RETENTION|STORAGE|WORKER|DATABASE|S3|REPLICATE|LOG)_[A-Z0-9_]+)\b")
_README_LINES_MAX = 135
_PICTURES_BYTES_MAX = 1_000_000


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@EVERY_PAGE
def test_every_link_has_a_target(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", text_of(page))
    missing = [
        link for pair in links for link in pair if link and "://" not in link and not (page.parent / link).exists()
    ]
    assert missing == []


@EVERY_PAGE
def test_every_anchor_is_a_heading(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#]*)#([^)]+)\)", text_of(page)):
        if "://" not in target:
            headings = re.findall(r"^#+ (.*)$", text_of(page.parent / target if target else page), re.MULTILINE)
            assert anchor in {_anchor(heading) for heading in headings}, f"{target}#{anchor}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")


@EVERY_PAGE
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    named = [path for path in _PATH.findall(text_of(page)) if path.split("/")[0] in _FOLDERS]
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_page_about_the_tests_names_what_its_files_define() -> None:
    rows = re.findall(r"^\| .* \| (.*`.*) \| (.*`tests/.*`) \|$", text_of(TESTS_README), re.MULTILINE)
    assert len(rows) > 10
    for use, files in rows:
        defined = " ".join(text_of(ROOT / path) for path in re.findall(r"`(tests/[^`]+\.py)`", files))
        names = [name.split(".")[-1] for name in re.findall(r"`([\w.]+)", use)]
        missing = [name for name in names if defined and not re.search(rf"(def|class) {name}\b", defined)]
        assert missing == [], files


@EVERY_PAGE
def test_every_setting_that_a_page_names_exists(page: Path) -> None:
    # The types of webhooks and of the activity are spelled like settings.
    known = {name.upper() for name in Settings.model_fields} | set(WebhookEventType.__members__)
    known |= set(ActivityType.__members__)
    assert set(_SETTING.findall(text_of(page))) - known == set()


@EVERY_PAGE
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", text_of(page), re.MULTILINE)) <= targets


@EVERY_PAGE
def test_every_command_that_a_page_names_exists_with_its_options(page: Path) -> None:
    commands = {info.name or info.callback.__name__: info for info in app.registered_commands if info.callback}
    for name, rest in re.findall(r"(?:`|^|exec api )diorama ([a-z]+)([^`\n|]*)", text_of(page), re.MULTILINE):
        assert name in commands, f"diorama {name}"
        if name != "simulator":
            known = set(_options_of(commands[name].callback))
            assert [option for option in re.findall(r"--[a-z-]+", rest) if option not in known] == [], f"diorama {name}"


def _options_of(command: object) -> Iterator[str]:
    """Yield the options of a command, and the parameters that they set."""
    for name, hint in get_type_hints(command, include_extras=True).items():
        yield f"--{name.replace('_', '-')}"
        for each in getattr(hint, "__metadata__", ()):
            yield from getattr(each, "param_decls", None) or ()


@EVERY_PAGE
def test_every_document_of_the_api_that_a_page_shows_is_valid(page: Path) -> None:
    schema = build_schema(text_of(ROOT / "schema" / "schema.graphql"))
    shown = re.findall(r"```graphql\n(.*?)```", text_of(page), re.DOTALL)
    assert {str(error) for text in shown for error in validate(schema, parse(text))} == set()
    assert page != README or len(shown) >= 2


def test_the_readme_is_short_and_shows_the_pictures() -> None:
    # The diagram grows by itself with each step.
    written = re.sub(r"(<!-- main-states -->\n).*?<!-- /main-states -->", r"\1", text_of(README), flags=re.DOTALL)
    assert len(written.splitlines()) <= _README_LINES_MAX
    pictures = re.findall(r"src=\"(docs/images/[^\"]+)\"", text_of(README))
    assert len(pictures) == 3
    assert sum(path.stat().st_size for path in (DOCS / "images").iterdir()) < _PICTURES_BYTES_MAX


def test_the_index_lists_every_page() -> None:
    listed = set(re.findall(r"\]\(([a-z-]+\.md)\)", text_of(DOCS / "README.md")))
    assert listed == {page.name for page in DOCS.glob("*.md")} - {"README.md"}


def test_every_decision_is_numbered_listed_and_gives_its_context() -> None:
    records = sorted(path for path in DECISIONS.glob("*.md") if path.name != "README.md")
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    listed = re.findall(r"\((\d{4}-[a-z0-9-]+\.md)\)", text_of(DECISIONS / "README.md"))
    assert listed == [path.name for path in records]
    for path in records:
        assert all(f"**{part}.**" in text_of(path) for part in ("Context", "Decision", "Consequences")), path.name
