"""Our packages, their files, and who may import whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Each package, and those of our packages that it may import. Nothing points back.
MAY_IMPORT = {
    "statemachine": set(),
    "db": {"statemachine"},
    "storage": {"statemachine"},
    "jobs": {"db", "storage", "statemachine"},
    "schema": {"jobs", "db", "storage", "statemachine"},
    "simulator": set(),
    "diorama": {"schema", "jobs", "db", "storage", "statemachine", "simulator"},
}


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def files_of(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))
