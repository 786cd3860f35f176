"""Temporary directories of servers: short enough for a socket's path, open to the server's account, never left behind.

A process that is killed cannot clean up. So each directory contains a file that its creator keeps locked, and the
kernel releases the lock when the creator ends: the next process that creates a directory removes the unlocked ones.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from diorama.embedded.account import Account, give
from diorama.embedded.errors import EmbeddedServerError

PREFIX = "diorama-"
LOCK_NAME = "creator.lock"

# A Unix socket's whole path must fit into 104 bytes, and the servers add up to 40 to its directory's.
LONGEST_ROOT = 48

# The last processes of a killed server may still be writing.
REMOVE_ATTEMPTS = 20
REMOVE_AGAIN_AFTER_S = 0.05


@dataclass(frozen=True)
class Scratch:
    """A temporary directory. `remove` it once the server has ended."""

    path: Path
    lock: IO[bytes]

    def remove(self) -> None:
        """Remove the directory and all in it. May be called any number of times."""
        _remove_tree(self.path)
        self.lock.close()


def make_scratch(account: Account | None = None) -> Scratch:
    """Create a directory that only the account, or we if it is None, can use, and remove abandoned ones."""
    root = scratch_root(account)
    remove_abandoned(root)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
    scratch = Scratch(path, _locked(path))
    give(path, account)
    return scratch


def scratch_root(account: Account | None) -> Path:
    """Return the first temporary directory that is short enough for a socket and that the account can reach."""
    candidates = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"), Path("/dev/shm")]  # noqa: S108
    for root in candidates:
        if len(str(root)) <= LONGEST_ROOT and _usable(root, account):
            return root
    raise EmbeddedServerError(
        f"No temporary directory can be used: tried {', '.join(map(str, candidates))}. One of them must be writable, "
        f"open to the server's account, and at most {LONGEST_ROOT} characters long."
    )


def remove_abandoned(root: Path) -> None:
    """Remove the directories in `root` that ended processes of ours left behind."""
    for lock_path in root.glob(f"{PREFIX}*/{LOCK_NAME}"):
        try:
            with lock_path.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(lock.fileno()).st_uid == os.geteuid():
                    _remove_tree(lock_path.parent)
        except (BlockingIOError, PermissionError, FileNotFoundError):
            continue  # in use, another user's, or just removed by another process


def _locked(directory: Path) -> IO[bytes]:
    """Put the locked file into the directory, under its name only once it is locked, or it would look abandoned."""
    unnamed = directory / f"{LOCK_NAME}.new"
    lock = unnamed.open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    unnamed.rename(directory / LOCK_NAME)
    return lock


def _remove_tree(path: Path) -> None:
    for _ in range(REMOVE_ATTEMPTS):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(REMOVE_AGAIN_AFTER_S)
    shutil.rmtree(path)


def _usable(root: Path, account: Account | None) -> bool:
    """Return whether we can write to `root` and the account can enter it."""
    if not os.access(root, os.W_OK | os.X_OK):
        return False
    return account is None or account.can_reach(root)
