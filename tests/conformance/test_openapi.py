"""Schemathesis tests the simulator with Replicate's own description of its API, operation by operation.

All of its checks are on, except two:

- `positive_data_acceptance`: no object has a random name, so most such requests are rightly refused;
- `negative_data_rejection`: it is not known how strict the real service is with odd queries and headers.

`openapi_hooks.py` relaxes one check: an undescribed status passes if it is an error of the real service (400, 401,
403, 404, 422) in the form of such errors.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from simulator.api.routes import OPERATIONS
from simulator.settings import RateLimits
from tests.conformance.conftest import HERE
from tests.simulator.clients import IMAGE, LIVE, Api
from tests.simulator.conftest import Start

TOKEN = "r8_conformance"
EXAMPLES = os.environ.get("CONFORMANCE_EXAMPLES", "10")
SEED = os.environ.get("CONFORMANCE_SEED", "1")
# Ten examples take about fifteen seconds on two idle cores.
LONGEST_S = 240 + 3 * int(EXAMPLES)
NEVER_S = 1e9
# The simulator trains nothing, and all of its versions belong to others.
NEVER_GRANTED = {"trainings.create", "trainings.get", "trainings.cancel", "models.versions.delete"}


@pytest.mark.timeout(LONGEST_S)
def test_every_response_is_as_replicate_describes_it(
    schemathesis: str, document: str, start: Start, tmp_path: Path
) -> None:
    api = start(tokens=(TOKEN,), rate_limits=RateLimits(enabled=False), run_limit_s=NEVER_S)
    api.http.headers["Authorization"] = f"Bearer {TOKEN}"
    make_predictions_of_every_kind(api)
    run = subprocess.run(
        [schemathesis, "run", document, *arguments(api)],
        cwd=tmp_path,
        env={**os.environ, **environment(api)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr
    assert operations_without_success(api) == NEVER_GRANTED


def arguments(api: Api) -> list[str]:
    """Return the arguments of Schemathesis's command."""
    return [
        f"--url={api.background.api_url}/v1",
        f"--header=Authorization: Bearer {TOKEN}",
        "--checks=all",
        "--exclude-checks=positive_data_acceptance,negative_data_rejection",
        f"--max-examples={EXAMPLES}",
        f"--seed={SEED}",
        "--generation-database=none",
        "--warnings=off",
        "--no-color",
    ]


def environment(api: Api) -> dict[str, str]:
    """Return the environment variables that the hooks read."""
    return {
        "SCHEMATHESIS_HOOKS": str(HERE / "openapi_hooks.py"),
        "SIMULATOR_URL": api.background.api_url,
        "SIMULATOR_TOKEN": TOKEN,
        "SIMULATOR_FILES_SECRET": api.background.settings.files_secret,
    }


def make_predictions_of_every_kind(api: Api) -> None:
    """Fill the list: every shape of output, every end, predictions that never end, and one whose data is gone."""
    api.finished(IMAGE)
    api.control("POST", "/clock", {"advance_s": 3601})
    for action in ("fail", "abort", "stick_starting", "stick_processing"):
        api.fault(action, count=1)
        api.created(IMAGE)
    api.finished(IMAGE)
    api.finished(LIVE)
    api.post(f"/predictions/{api.created(LIVE)['id']}/cancel")


def operations_without_success(api: Api) -> set[str]:
    """Return the operations of which no call has succeeded."""
    counted = api.control("GET", "/counters")["responses"]
    granted = {operation for operation, _, status in (each.partition(" ") for each in counted) if status < "300"}
    return {operation.id for operation in OPERATIONS} - granted
