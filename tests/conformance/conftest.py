"""Tools that are not among the project's own packages; a test is skipped, with the reason, if its tool is missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.simulator.conftest import api as api
from tests.simulator.conftest import shared as shared
from tests.simulator.conftest import start as start

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


@pytest.fixture(scope="session")
def node() -> str:
    """Return the path of Node.js, for which the JavaScript client is installed."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("node, which runs Replicate's JavaScript client, is not installed")
    if not (HERE / "javascript/node_modules/replicate").is_dir():
        pytest.skip("Replicate's JavaScript client is not installed: run `make clients`, which needs npm")
    return found


@pytest.fixture(scope="session")
def schemathesis() -> str:
    """Return the path of Schemathesis's command, in its own environment."""
    found = ROOT / ".venv-schemathesis/bin/schemathesis"
    if not found.exists():
        pytest.skip("Schemathesis is not installed: run `make clients`")
    return str(found)


@pytest.fixture(scope="session")
def document() -> str:
    """Return the path of Replicate's OpenAPI document, which the project may not ship."""
    path = os.environ.get("REPLICATE_OPENAPI")
    if not path:
        pytest.skip("REPLICATE_OPENAPI does not name a copy of Replicate's OpenAPI document (api.replicate.com)")
    assert Path(path).is_file(), f"REPLICATE_OPENAPI names a file that is not there: {path}"
    return str(Path(path).resolve())
