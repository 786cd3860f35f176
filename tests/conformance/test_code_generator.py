"""GraphQL Code Generator makes types from the schema, and a strict program that uses them compiles."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conformance.conftest import HERE, ROOT
from tests.conformance.test_frontend_page import over_websocket
from tests.support.eventually import scaled

SOURCES = HERE / "javascript/codegen"
PACKAGES = HERE / "javascript/node_modules"
STRICT = ("--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noEmit")


@pytest.fixture
def compiler(node: str) -> str:
    if not (PACKAGES / "@graphql-codegen/core").is_dir():
        pytest.skip("GraphQL Code Generator is not installed: run `make clients`, which needs npm")
    return node


def followed() -> str:
    """Return the subscription of the page for front ends, with a name for its types."""
    [found] = re.findall(r"QUERY = `subscription (.*?)`;", over_websocket(), re.DOTALL)
    return f"subscription FollowStory {found}"


def run(node: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([node, *arguments], cwd=folder, capture_output=True, text=True, timeout=scaled(60))


def compiled(node: str, folder: Path, sdl: str) -> str:
    """Generate types from a schema and compile the program with them; return the complaints of either."""
    (folder / "node_modules").symlink_to(PACKAGES)
    (folder / "schema.graphql").write_text(sdl)
    (folder / "operations.graphql").write_text((SOURCES / "operations.graphql").read_text() + followed())
    for each in (SOURCES / "program.ts", HERE / "javascript/codegen.mjs"):
        shutil.copy(each, folder)
    made = run(node, folder, "codegen.mjs", "schema.graphql", "operations.graphql", "generated.ts")
    assert made.returncode == 0, made.stdout + made.stderr
    options = (*STRICT, "--module", "nodenext", "--target", "es2022")
    return run(node, folder, "node_modules/typescript/bin/tsc", *options, "program.ts").stdout


def test_a_strict_program_compiles_with_the_generated_types(compiler: str, tmp_path: Path) -> None:
    assert compiled(compiler, tmp_path, (ROOT / "schema/schema.graphql").read_text()) == ""


def test_it_does_not_compile_with_the_types_of_another_schema(compiler: str, tmp_path: Path) -> None:
    sdl = (ROOT / "schema/schema.graphql").read_text()
    complaints = compiled(compiler, tmp_path, sdl.replace("required: Int!", "required: String!"))
    assert "The left-hand side of an arithmetic operation" in complaints
