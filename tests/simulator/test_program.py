"""The simulator as a separate program, and as a package that depends on no other."""

from __future__ import annotations

import ast
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import simulator
from simulator.cli import main
from simulator.faults.menu import MENU
from simulator.settings import SimulatorSettings
from tests.support.eventually import scaled

FAST = ("--speed", "1000", "--canned")
OURS = {"diorama", "schema", "jobs", "db", "storage", "statemachine"}


@contextmanager
def program(*arguments: str) -> Iterator[tuple[dict[str, str], subprocess.Popen[str]]]:
    """Run the program and yield its ready line and its process, which is killed if it still runs at the end."""
    command = [sys.executable, "-m", "simulator", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield json.loads(line) if line else {}, process
    finally:
        process.kill()
        process.communicate()


def call(api: str, method: str, path: str, **more: Any) -> httpx.Response:
    """Call the API with a token."""
    return httpx.request(method, api + path, headers={"Authorization": "Bearer r8_x"}, **more)


@pytest.mark.system
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_program_prints_its_addresses_and_ends_on_a_signal(number: signal.Signals) -> None:
    with program(*FAST) as (addresses, process):
        assert set(addresses) == {"api", "delivery"}
        body = call(
            addresses["api"],
            "POST",
            "/v1/models/openai/gpt-image-2/predictions",
            json={"input": {"prompt": "x"}},
            timeout=scaled(20),
        )
        assert body.status_code == 201
        assert httpx.get(addresses["delivery"] + "/none").status_code == 404
        process.send_signal(number)
        out, err = process.communicate(timeout=scaled(10))
        assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.system
def test_program_ends_although_a_request_hangs(tmp_path: Path) -> None:
    rules = tmp_path / "faults.json"
    rules.write_text('{"rules": [{"action": "hang_before_accept", "operation": "account.get"}]}')
    with program(*FAST, "--faults", str(rules)) as (addresses, process):
        host, port = addresses["api"].removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as hanging:
            hanging.sendall(b"GET /v1/account HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n")
            while not httpx.get(addresses["api"] + "/_simulator/counters").json()["faults"]:
                continue
            process.terminate()
            assert process.wait(scaled(10)) == 0


@pytest.mark.system
def test_program_takes_its_settings_from_the_command_line() -> None:
    with program("--instant", "--token", "r8_x", "--creates-per-min", "1") as (addresses, _):
        api, path = addresses["api"], "/v1/models/openai/gpt-image-2/predictions"
        responses = [call(api, "POST", path, json={"input": {"prompt": "x"}}) for _ in range(2)]
        assert [response.status_code for response in responses] == [201, 429]
        assert responses[0].json()["status"] == "succeeded"
        assert httpx.get(api + "/v1/account", headers={"Authorization": "Bearer r8_y"}).status_code == 401


@pytest.mark.system
def test_public_urls_are_announced() -> None:
    with program(*FAST, "--instant", "--public-api-url", "https://sim/", "--public-delivery-url", "https://out/") as (
        addresses,
        process,
    ):
        assert addresses == {"api": "https://sim", "delivery": "https://out"}
        process.terminate()


@pytest.mark.system
def test_taken_port_is_reported_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with program("--port", str(port)) as (_, process):
            assert process.wait(scaled(20)) == 2
            assert process.stderr is not None
            assert f"cannot listen on 127.0.0.1:{port}" in process.stderr.read()


@pytest.mark.system
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--speed", "0"), "speed must be greater than 0"),
        (("--webhook-secret", "abc"), "must start with 'whsec_'"),
        (("--faults", "/nonexistent.json"), "/nonexistent.json"),
    ],
)
def test_unusable_settings_are_reported(arguments: tuple[str, ...], reason: str) -> None:
    command = [sys.executable, "-m", "simulator", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=scaled(20), check=False)
    assert ended.returncode == 2
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.system
def test_help_lists_every_fault_action() -> None:
    command = [sys.executable, "-m", "simulator", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, timeout=scaled(20), check=True).stdout
    assert [name for name in MENU if f"  {name} " not in text] == []
    assert "/_simulator/bill" in text


def test_help_names_the_program_as_it_was_called(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"], program="diorama simulator")
    assert capsys.readouterr().out.startswith("usage: diorama simulator ")


def test_package_imports_nothing_of_the_other_packages() -> None:
    folder = Path(simulator.__file__).parent
    found = {
        f"{path.name}: {name}"
        for path in folder.rglob("*.py")
        for name in imported(ast.parse(path.read_text("utf-8")))
        if name.partition(".")[0] in OURS
    }
    assert found == set()


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the names of the modules that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_settings_that_would_fail_later_are_rejected() -> None:
    with pytest.raises(ValueError, match="speed"):
        SimulatorSettings(speed=-1)
