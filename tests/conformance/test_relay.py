"""The compiler of Relay accepts our SDL: nodes are fetched again, connections are paged, edges are added."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.conformance.conftest import HERE, ROOT
from tests.support.eventually import scaled

COMPILER = HERE / "javascript/node_modules/relay-compiler/cli.js"
SCALARS = {"DateTime": "string", "BigInt": "number", "URL": "string", "JSON": "unknown"}
REFETCHED = ("Jobs", "Events", "Session")


def compiled(node: str, folder: Path, sdl: str) -> subprocess.CompletedProcess[str]:
    """Compile the operations of a front end against a schema."""
    sources, artifacts = folder / "src", folder / "artifacts"
    for each in (sources, artifacts):
        each.mkdir()
    (folder / "schema.graphql").write_text(sdl)
    (sources / "operations.ts").write_text((HERE / "javascript/relay/operations.ts").read_text())
    settings = {
        "src": "./src",
        "schema": "./schema.graphql",
        "language": "typescript",
        "artifactDirectory": "./artifacts",
        "customScalarTypes": SCALARS,
    }
    (folder / "relay.config.json").write_text(json.dumps(settings))
    command = [node, str(COMPILER), "relay.config.json"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=scaled(60))


@pytest.fixture
def relay(node: str) -> str:
    if not COMPILER.exists():
        pytest.skip("Relay's compiler is not installed: run `make clients`, which needs npm")
    return node


def test_relay_compiles_queries_mutations_and_subscriptions(relay: str, tmp_path: Path) -> None:
    done = compiled(relay, tmp_path, (ROOT / "schema/schema.graphql").read_text())
    assert done.returncode == 0, done.stdout + done.stderr
    made = {each.name for each in (tmp_path / "artifacts").iterdir()}
    assert made >= {f"operations{each}PaginationQuery.graphql.ts" for each in REFETCHED}
    assert "operationsStoryRefetchQuery.graphql.ts" in made


def test_relay_refuses_a_schema_without_the_node_interface(relay: str, tmp_path: Path) -> None:
    sdl = (ROOT / "schema/schema.graphql").read_text().replace(" implements Node ", " ")
    assert compiled(relay, tmp_path, sdl).returncode != 0
