"""The list of complaints names only scenarios and tests that exist, and names every scenario."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.acceptance.complaints import COMPLAINTS
from tests.acceptance.scenarios import ACCOUNT_ERRORS, SCENARIOS

FOLDER = Path(__file__).parent


def _tests() -> set[str]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in FOLDER.glob("test_*.py")]
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_complaint_is_reproduced() -> None:
    known = {scenario.name for scenario in SCENARIOS} | set(ACCOUNT_ERRORS) | _tests()
    assert [name for each in COMPLAINTS for name in each.reproduced_by if name not in known] == []
    assert all(each.reproduced_by for each in COMPLAINTS)


def test_every_scenario_reproduces_a_complaint() -> None:
    named = {name for each in COMPLAINTS for name in each.reproduced_by}
    assert {scenario.name for scenario in SCENARIOS} - named == {"none"}
