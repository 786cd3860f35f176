"""The make targets leave no test out, and the script of continuous integration runs them all."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
MARKERS = ("thorough", "truth", "media", "clients", "faults", "system")
TARGETS = ("test", "test-system", "test-media", "test-faults", "test-clients")
"""The targets that run tests by their markers. `make check` runs those of `tests/truth`."""


def recipe(target: str) -> str:
    """Return the commands of a target."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert found is not None, target
    return found.group(1)


def selects(target: str, marks: set[str]) -> bool:
    """Return whether a target runs tests with these markers."""
    expression = re.search(r"-m '([^']+)'", recipe(target))
    assert expression is not None, target
    return bool(eval(expression.group(1), {"__builtins__": {}}, {name: name in marks for name in MARKERS}))


@pytest.mark.parametrize("count", range(len(MARKERS) - 1))
def test_every_test_that_is_not_thorough_belongs_to_a_target(count: int) -> None:
    for marks in itertools.combinations(MARKERS[2:], count):
        assert any(selects(target, set(marks)) for target in TARGETS), marks


@pytest.mark.parametrize("target", [*TARGETS, "test-fast"])
def test_no_everyday_target_runs_thorough_tests(target: str) -> None:
    assert not selects(target, {"thorough", target.removeprefix("test-")})


def test_the_truth_is_a_matter_of_the_check_alone() -> None:
    assert "pytest tests/truth\n" in recipe("check")
    assert not any(selects(target, {"truth"}) for target in ("test", "test-fast"))


def test_the_fast_tests_name_folders_that_exist() -> None:
    named = re.search(r"^FAST := (.*)$", MAKEFILE, re.MULTILINE)
    assert named is not None
    assert [folder for folder in named.group(1).split() if not (ROOT / folder).is_dir()] == []


def test_continuous_integration_runs_every_target_once() -> None:
    called = re.findall(r"^make ([a-z-]+)$", CI, re.MULTILINE)
    assert called == ["check", "clients", *TARGETS]


def test_continuous_integration_names_no_outside_path_except_one_default() -> None:
    outside = [line for line in CI.splitlines() if "../" in line or re.search(r"(^|[\s\"'=])/(?!usr/bin/env)", line)]
    assert outside == ['export REPLICATE_OPENAPI="${REPLICATE_OPENAPI-$PWD/../shared/replicate/openapi.json}"']


def test_the_version_has_a_dated_section_in_the_changelog() -> None:
    """The section of unreleased changes is above all of them."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", heading) for heading in headings[1:])
    assert headings[1].startswith(f"{version} - ")


def test_hooks_run_the_tools_of_the_environment_and_fetch_nothing() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [source["repo"] for source in config["repos"]] == ["local"]
    hooks = [hook for source in config["repos"] for hook in source["hooks"]]
    assert {(hook["language"], hook["entry"].split()[0].rsplit("/", 1)[0]) for hook in hooks} == {
        ("system", ".venv/bin")
    }
