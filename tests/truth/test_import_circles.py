"""No file imports itself through others, not even for types only or inside a function.

The one exception is GraphQL's own: types refer to each other in circles, and `strawberry.lazy` names the module that
closes such a circle. Only modules named that way may be imported back, and only for types.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.truth.packages import MAY_IMPORT, ROOT, files_of

_LAZY = re.compile(r'strawberry\.lazy\("([\w.]+)"\)')


def _name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(source: str, modules: set[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules else node.module


def circle_in(sources: Mapping[str, str]) -> list[str]:
    """Return the modules of one circle of imports among these sources, or nothing."""
    modules = set(sources)
    graph = {
        name: (set(_imports(source, modules)) & modules) - {name} - set(_LAZY.findall(source))
        for name, source in sources.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_no_package_has_an_import_circle(package: str) -> None:
    assert circle_in({_name_of(path): path.read_text(encoding="utf-8") for path in files_of(package)}) == []


@pytest.mark.parametrize("back", ["import a", "if TYPE_CHECKING:\n    import a", "def f():\n    import a"])
def test_a_circle_is_found_wherever_the_import_is(back: str) -> None:
    assert set(circle_in({"a": "import b", "b": back})) == {"a", "b"}


def test_a_circle_of_graphql_types_is_allowed() -> None:
    assert circle_in({"a": "import b", "b": 'if TYPE_CHECKING:\n    import a\nx: strawberry.lazy("a")'}) == []
