"""Replicate's official JavaScript client, unchanged, against the simulator: one story after the other."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.conftest import HERE
from tests.simulator.certificates import needs_openssl, self_signed
from tests.simulator.clients import Api
from tests.simulator.conftest import Start
from tests.support.eventually import scaled

SCRIPT = "client.mjs"
QUICK = (
    "run",
    "run_tells_the_progress",
    "create",
    "wait",
    "list_pages",
    "files",
    "file_inputs_are_uploaded",
    "webhooks",
    "errors",
    "models_are_read_and_searched",
    "deployments",
)


def tell(node: str, api: Api, story: str, **environment: str) -> None:
    """Run one story, and fail with what it printed unless it ends well."""
    told = subprocess.run(
        [node, SCRIPT, story],
        cwd=HERE / "javascript",
        env={**os.environ, "SIMULATOR_URL": api.background.api_url, **environment},
        capture_output=True,
        text=True,
        timeout=scaled(60),
    )
    assert told.returncode == 0, f"{story}:\n{told.stdout}{told.stderr}"


@pytest.mark.parametrize("story", QUICK)
def test_client_does(node: str, api: Api, story: str) -> None:
    tell(node, api, story)


def test_client_cancels_what_still_runs(node: str, start: Start) -> None:
    slow: dict[str, Any] = {"speed": 1.0}
    tell(node, start(**slow), "cancel")


@needs_openssl
def test_client_wraps_https_outputs_in_files(node: str, start: Start, tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path)
    api = start(tls_cert_file=cert, tls_key_file=key)
    tell(node, api, "run_wraps_https_outputs_in_files", NODE_EXTRA_CA_CERTS=cert)


def test_every_story_is_told() -> None:
    script = (HERE / "javascript" / SCRIPT).read_text()
    stories = {line.split()[1].removesuffix("()") for line in script.splitlines() if line.startswith("  async ")}
    assert stories == {*QUICK, "cancel", "run_wraps_https_outputs_in_files"}
