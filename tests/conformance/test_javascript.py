"""Replicate's official JavaScript client, unchanged, against the simulator: one scenario after another."""

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


def run_scenario(node: str, api: Api, scenario: str, **environment: str) -> None:
    """Run one scenario; if it fails, fail with its output."""
    finished = subprocess.run(
        [node, SCRIPT, scenario],
        cwd=HERE / "javascript",
        env={**os.environ, "SIMULATOR_URL": api.background.api_url, **environment},
        capture_output=True,
        text=True,
        timeout=scaled(60),
    )
    assert finished.returncode == 0, f"{scenario}:\n{finished.stdout}{finished.stderr}"


@pytest.mark.parametrize("scenario", QUICK)
def test_the_client_passes(node: str, api: Api, scenario: str) -> None:
    run_scenario(node, api, scenario)


def test_the_client_cancels_running_predictions(node: str, start: Start) -> None:
    slow: dict[str, Any] = {"speed": 1.0}
    run_scenario(node, start(**slow), "cancel")


@needs_openssl
def test_the_client_wraps_https_outputs_in_files(node: str, start: Start, tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path)
    api = start(tls_cert_file=cert, tls_key_file=key)
    run_scenario(node, api, "run_wraps_https_outputs_in_files", NODE_EXTRA_CA_CERTS=cert)


def test_every_scenario_of_the_script_is_run() -> None:
    script = (HERE / "javascript" / SCRIPT).read_text()
    scenarios = {line.split()[1].removesuffix("()") for line in script.splitlines() if line.startswith("  async ")}
    assert scenarios == {*QUICK, "cancel", "run_wraps_https_outputs_in_files"}
