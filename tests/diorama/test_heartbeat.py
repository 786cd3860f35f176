"""The health check of workers fails where there are none, and where one hangs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from diorama.cli import app
from diorama.heartbeat import Heartbeat
from diorama.settings import SettingsError


def check(folder: Path | str) -> tuple[int, str]:
    """Return the exit status of the check, and what it told."""
    ended = CliRunner().invoke(app, ["doctor", "--workers"], env={"HEARTBEAT_DIR": str(folder)})
    return ended.exit_code, ended.output


def let_pass(file: Path, seconds: float) -> None:
    """Let so much time have passed since a file was touched."""
    then = file.stat().st_mtime - seconds
    os.utime(file, (then, then))


def test_a_worker_that_beats_is_well_one_that_fell_silent_and_one_that_went_are_not(tmp_path: Path) -> None:
    folder, name = tmp_path / "hearts", f"worker {os.getpid()}"
    assert check(folder) == (1, f"bad  workers: none that lives has left a heartbeat in {folder}\n")
    with Heartbeat(folder) as heart:
        file = folder / str(os.getpid())
        # However long the machine takes to look: from the time to come it counts as now.
        let_pass(file, -20)
        assert check(folder) == (0, f"ok   {name}: last sign of life 0 s ago\n")
        let_pass(file, 65)
        status, told = check(folder)
        assert status == 1
        assert re.fullmatch(rf"bad  {name}: last sign of life \d+ s ago\n", told)
        heart.beat()
        assert check(folder)[0] == 0
    assert check(folder)[0] == 1


def test_what_a_killed_worker_has_left_is_no_sign_of_life_and_no_fault(tmp_path: Path) -> None:
    # Beyond the greatest id that Linux gives.
    (tmp_path / str(2**22 + 1)).touch()
    assert check(tmp_path)[0] == 1
    with Heartbeat(tmp_path):
        assert check(tmp_path)[0] == 0


def test_without_a_folder_there_is_nothing_to_check(tmp_path: Path) -> None:
    with Heartbeat(None) as heart:
        heart.beat()
    assert check("") == (1, "bad  workers: HEARTBEAT_DIR is not set, for the workers and for this check alike\n")


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(SettingsError, match="HEARTBEAT_DIR is wrong: no file can be kept in"),
        Heartbeat(tmp_path / "file" / "folder"),
    ):
        pass
