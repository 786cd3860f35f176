"""The health check of workers fails if there are none, and if one hangs."""

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
    """Return the exit status and the output of the check."""
    ended = CliRunner().invoke(app, ["doctor", "--workers"], env={"HEARTBEAT_DIR": str(folder)})
    return ended.exit_code, ended.output


def let_pass(file: Path, seconds: float) -> None:
    """Make a file look as if it had been touched that many seconds earlier."""
    then = file.stat().st_mtime - seconds
    os.utime(file, (then, then))


def test_a_worker_that_beats_is_healthy_and_a_silent_or_ended_one_is_not(tmp_path: Path) -> None:
    folder, name = tmp_path / "hearts", f"worker {os.getpid()}"
    assert check(folder) == (1, f"bad  workers: no running worker has a heartbeat in {folder}\n")
    with Heartbeat(folder) as heart:
        file = folder / str(os.getpid())
        # A touch in the future counts as now, so it does not matter how long the check takes.
        let_pass(file, -20)
        assert check(folder) == (0, f"ok   {name}: last heartbeat 0 s ago\n")
        let_pass(file, 65)
        status, output = check(folder)
        assert status == 1
        assert re.fullmatch(rf"bad  {name}: last heartbeat \d+ s ago\n", output)
        heart.beat()
        assert check(folder)[0] == 0
    assert check(folder)[0] == 1


def test_the_file_of_a_killed_worker_is_ignored(tmp_path: Path) -> None:
    # Above the highest process id on Linux.
    (tmp_path / str(2**22 + 1)).touch()
    assert check(tmp_path)[0] == 1
    with Heartbeat(tmp_path):
        assert check(tmp_path)[0] == 0


def test_without_a_folder_there_is_nothing_to_check(tmp_path: Path) -> None:
    with Heartbeat(None) as heart:
        heart.beat()
    assert check("") == (1, "bad  workers: HEARTBEAT_DIR is not set; set it for the workers and for this check\n")


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(SettingsError, match=r"HEARTBEAT_DIR is wrong: .*/file/folder cannot be written to"),
        Heartbeat(tmp_path / "file" / "folder"),
    ):
        pass
