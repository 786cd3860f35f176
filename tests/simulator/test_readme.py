"""The README of the simulator is true."""

from __future__ import annotations

import json
import re
from pathlib import Path

import simulator
from simulator.api.control import HELP
from simulator.api.routes import CONTROL, OPERATIONS
from tests.simulator.clients import Api

README = (Path(simulator.__file__).parent / "README.md").read_text("utf-8")


def test_fault_rules_of_the_readme_are_rules(api: Api) -> None:
    rules = json.loads(re.findall(r"```json\n(.*?)```", README, re.DOTALL)[0])
    added = api.control("POST", "/faults", rules)["rules"]
    assert [rule["action"] for rule in added] == [rule["action"] for rule in rules]


def test_requests_of_the_readme_and_the_help_exist() -> None:
    served = {f"{operation.method} /_simulator{operation.path}" for operation in CONTROL}
    assert set(re.findall(r"`((?:GET|POST|DELETE) /_simulator[^`]*)`", README)) <= served
    assert {*HELP, "GET /_simulator"} == served


def test_number_of_operations_is_the_one_told() -> None:
    assert f"All {len(OPERATIONS)} operations" in README
