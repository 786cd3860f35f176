"""Packages import only packages below them, and our packages hide those of the same name."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests.truth.packages import MAY_IMPORT, ROOT, files_of, imports_of

# The pure package may use the standard library only.
STANDARD_ONLY = "statemachine"


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_packages_below_it(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files_of(package)
        for name in imports_of(path)
        if name.split(".")[0] in MAY_IMPORT and name.split(".")[0] not in allowed
    ]
    assert wrong == []


def test_the_state_machine_uses_the_standard_library_only() -> None:
    import sys

    foreign = {
        name
        for path in files_of(STANDARD_ONLY)
        for name in imports_of(path)
        if name.split(".")[0] not in sys.stdlib_module_names | {STANDARD_ONLY, "__future__"}
    }
    assert foreign == set()


def test_the_state_machine_reads_no_clock() -> None:
    """Time is an argument, so that every rule can be tested at any moment."""
    for path in files_of(STANDARD_ONLY):
        text = path.read_text(encoding="utf-8")
        assert ".now(" not in text, path
        assert not re.search(r"^import time$", text, re.MULTILINE), path


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_our_package_is_the_one_that_is_imported(package: str) -> None:
    """`schema` and `statemachine` are also names of published packages."""
    module = importlib.import_module(package)
    assert Path(module.__file__ or "").parent == ROOT / package


# As CONTRIBUTING.md says.
LINES_MAX = 300


@pytest.mark.parametrize("package", [*MAY_IMPORT, "tests"])
def test_no_file_is_too_long_to_read_at_once(package: str) -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in files_of(package)}
    assert {str(path): length for path, length in lengths.items() if length > LINES_MAX} == {}


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function's body, its docstring left out."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_functions_are_short() -> None:
    """The few long ones list many things of one kind."""
    trees = [ast.walk(ast.parse(path.read_text("utf-8"))) for package in MAY_IMPORT for path in files_of(package)]
    functions = [node for tree in trees for node in tree if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = sorted(map(_body_lines, functions))
    median, nine_in_ten, nearly_all = (lengths[int(len(lengths) * share)] for share in (0.5, 0.9, 0.99))
    assert median <= 4
    assert nine_in_ten <= 11
    assert nearly_all <= 22
    assert lengths[-1] <= 40


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_every_file_has_a_docstring(package: str) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in files_of(package)
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def names_in(package: str) -> set[str]:
    """Return the packages, modules, classes and functions of a package, and the names that it imports."""
    names = set(MAY_IMPORT)
    for path in files_of(package):
        names |= {path.stem, path.parent.name, *imports_of(path)}
        tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        names |= {node.name for node in tree if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)}
    return names


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_the_modules_that_a_package_docstring_names_exist(package: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))) or ""
    spoken_of = set(re.findall(r"`([a-z_]+)(?:\.[A-Z]\w+)?`", docstring))
    # A table of the database, which the package describes.
    assert spoken_of - names_in(package) - {"job_transitions"} == set()


def test_every_tests_folder_is_a_package() -> None:
    """Otherwise `tests/schema` could hide the real `schema`."""
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("path", sorted((ROOT / "db").glob("*/sql/*.sql")), ids=lambda path: path.stem)
def test_every_statement_has_a_comment_and_is_used(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("-- ")
    used = any(f'"{path.stem}"' in source.read_text(encoding="utf-8") for source in files_of("db"))
    assert used, f"{path.name} is not used by any function of db"


def test_one_module_knows_the_standard_logging_library() -> None:
    """Every package logs with structlog, except the simulator, which is a separate program."""
    services = [package for package in MAY_IMPORT if package != "simulator"]
    files = [path for package in services for path in files_of(package)]
    users = {path.relative_to(ROOT).as_posix() for path in files if "logging" in imports_of(path)}
    assert users == {"diorama/logging.py"}
