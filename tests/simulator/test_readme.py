"""The pages about the simulator are true."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import simulator
from simulator.api.control import HELP
from simulator.api.routes import CONTROL, OPERATIONS
from simulator.cli import main
from tests.simulator.clients import Api
from tests.support.eventually import scaled

ROOT = Path(simulator.__file__).parents[1]
README = (ROOT / "simulator" / "README.md").read_text("utf-8")
PAGE = (ROOT / "docs" / "simulator.md").read_text("utf-8")
PAGES = pytest.mark.parametrize("text", [README, PAGE], ids=["README", "page"])


@PAGES
def test_fault_rules_of_the_pages_are_rules(text: str, api: Api) -> None:
    rules = json.loads(re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0])
    added = api.control("POST", "/faults", rules)["rules"]
    assert [rule["action"] for rule in added] == [rule["action"] for rule in rules]


@PAGES
def test_requests_of_the_pages_and_the_help_exist(text: str) -> None:
    served = {f"{operation.method} /_simulator{operation.path}" for operation in CONTROL}
    assert set(re.findall(r"`((?:GET|POST|DELETE) /_simulator[^`]*)`", text)) <= served
    assert {*HELP, "GET /_simulator"} == served


@PAGES
def test_options_of_the_pages_are_those_of_the_help(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    commands = re.findall(r"(?:diorama simulator|python -m simulator) (--[^`\n]+)", text)
    assert {option for command in commands for option in re.findall(r"--[a-z-]+", command)} <= known


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page's commands need curl")
def test_the_commands_of_the_page_work_as_they_stand(api: Api) -> None:
    """The test replaces the page's address by that of a running simulator."""
    for block in re.findall(r"```sh\n(curl.*?)```", PAGE, re.DOTALL):
        script = block.replace("http://127.0.0.1:8100", api.background.api_url).replace("curl -s", "curl -sf")
        subprocess.run(["bash", "-ec", script], capture_output=True, timeout=scaled(30), check=True)
    assert api.bill()["creates"] == 1
    assert api.control("GET", "/faults")["rules"] == []
    assert api.control("GET", "/counters")["requests"]


def test_the_python_of_the_page_runs(tmp_path: Path) -> None:
    """It runs in its own process, with the page's assertions: the client paid once although no response came."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    command = [sys.executable, "-c", program]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=scaled(60), cwd=tmp_path, env=environment)
    assert ended.returncode == 0, ended.stderr


def test_number_of_operations_is_right() -> None:
    assert f"All {len(OPERATIONS)} operations" in README
