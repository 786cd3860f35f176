"""The list of complaints names scenarios and tests that there are, and leaves none of the scenarios out."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.acceptance.complaints import COMPLAINTS
from tests.acceptance.scenarios import ACCOUNT_TROUBLE, SCENARIOS

FOLDER = Path(__file__).parent


def _tests() -> set[str]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in FOLDER.glob("test_*.py")]
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_complaint_is_played() -> None:
    known = {scenario.name for scenario in SCENARIOS} | set(ACCOUNT_TROUBLE) | _tests()
    assert [name for each in COMPLAINTS for name in each.played_by if name not in known] == []
    assert all(each.played_by for each in COMPLAINTS)


def test_every_scenario_plays_a_complaint() -> None:
    named = {name for each in COMPLAINTS for name in each.played_by}
    assert {scenario.name for scenario in SCENARIOS} - named == {"none"}
