"""Directories and hosts for the tests of the embedded servers."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from subprocess import PIPE, Popen, run
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGES = (str(REPOSITORY), sysconfig.get_path("platlib"))

Host = Callable[..., "Popen[str]"]


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that everyone may enter and write to, with a short path."""
    directory = Path(tempfile.mkdtemp(prefix="open-", dir="/tmp"))
    directory.chmod(0o777)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def scratch_root(open_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty temporary directory, which the servers of this test use instead of the machine's."""
    root = open_directory / "tmp"
    root.mkdir()
    root.chmod(0o777)
    monkeypatch.setattr(tempfile, "tempdir", str(root))
    monkeypatch.setenv("TMPDIR", str(root))
    return root


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    """A function that runs `tests.diorama.embedded.host`, as another user if one is named, and ends it afterwards."""
    with ExitStack() as started:

        def start(directory: Path, python: UsersPython | None = None) -> Popen[str]:
            process = Popen(
                [python.executable if python else sys.executable, "-m", "tests.diorama.embedded.host", str(directory)],
                cwd=REPOSITORY,
                stdin=PIPE,
                stdout=PIPE,
                text=True,
                **(python.rights if python else {}),
            )
            started.enter_context(process)
            started.callback(process.kill)
            return process

        yield start


@dataclass(frozen=True)
class UsersPython:
    """An interpreter that another user can run, with our packages, and the arguments of Popen for it."""

    executable: str
    user: pwd.struct_passwd

    @property
    def rights(self) -> dict[str, Any]:
        environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(PACKAGES), "PYTHONDONTWRITEBYTECODE": "1"}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": [], "env": environment}

    def works(self) -> bool:
        """Return whether the user can run it and import what the host needs."""
        try:
            done = run([self.executable, "-c", "import boto3, psycopg, uvicorn"], **self.rights, capture_output=True)
        except PermissionError:
            return False
        return done.returncode == 0


@pytest.fixture(scope="session")
def ordinary_python() -> UsersPython:
    """An interpreter for an ordinary user; the test is skipped if there is none."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user; the other tests are this one, run by an ordinary user")
    candidates = [sys.executable, which(f"python3.{sys.version_info.minor}", path=os.defpath)]
    found = [UsersPython(each, pwd.getpwnam("nobody")) for each in candidates if each]
    usable = next((python for python in found if python.works()), None)
    if usable is None:
        tried = ", ".join(each.executable for each in found)
        pytest.skip(f"the account 'nobody' can run none of {tried} with our packages")
    return usable
