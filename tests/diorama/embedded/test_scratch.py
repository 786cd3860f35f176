"""Temporary directories can be used by their accounts, and do not outlive the processes that created them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from diorama.embedded import EmbeddedServerError
from diorama.embedded.account import Account
from diorama.embedded.scratch import LONGEST_ROOT, make_scratch
from diorama.embedded.scratch import scratch_root as choose_root
from tests.diorama.embedded.conftest import REPOSITORY

STRANGER = Account(uid=54321, gid=54321)

MAKE_ONE_AND_DIE = """
import os
from diorama.embedded.scratch import make_scratch
scratch = make_scratch()
(scratch.path / "data").mkdir()
print(scratch.path, flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_directory_is_private_and_removed_with_all_in_it(scratch_root: Path) -> None:
    scratch = make_scratch()
    assert scratch.path.stat().st_mode & 0o777 == 0o700
    (scratch.path / "data").write_text("data")
    scratch.remove()
    scratch.remove()
    assert list(scratch_root.iterdir()) == []


def test_a_directory_of_a_killed_process_is_removed_by_the_next_one(scratch_root: Path) -> None:
    done = subprocess.run([sys.executable, "-c", MAKE_ONE_AND_DIE], cwd=REPOSITORY, capture_output=True, text=True)
    abandoned = Path(done.stdout.strip())
    assert abandoned.parent == scratch_root
    assert abandoned.exists()
    make_scratch().remove()
    assert not abandoned.exists()


def test_a_directory_in_use_stays(scratch_root: Path) -> None:
    first = make_scratch()
    second = make_scratch()
    assert first.path.exists()
    first.remove()
    second.remove()


def test_a_directory_of_another_program_with_the_same_prefix_stays(scratch_root: Path) -> None:
    (scratch_root / "diorama-photographs").mkdir()
    make_scratch().remove()
    assert [path.name for path in scratch_root.iterdir()] == ["diorama-photographs"]


def test_a_temporary_directory_that_is_too_long_or_closed_is_skipped(
    open_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, long = open_directory / "closed", open_directory / ("x" * LONGEST_ROOT)
    closed.mkdir(mode=0o700)
    long.mkdir()
    for unusable in (closed, long):
        monkeypatch.setattr(tempfile, "tempdir", str(unusable))
        assert choose_root(STRANGER) == Path("/tmp")


def test_having_no_usable_temporary_directory_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(EmbeddedServerError, match="No temporary directory can be used: tried /tmp"):
        make_scratch()
