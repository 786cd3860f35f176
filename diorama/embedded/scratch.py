"""Temporary directories of servers: short enough for a socket's path, and open to the account that uses them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from diorama.embedded.account import Account, give
from diorama.embedded.errors import EmbeddedServerError

# A Unix socket's whole path must fit into 104 bytes, and the servers add up to 40 to its directory's.
LONGEST_ROOT = 48


def make_scratch(account: Account | None = None) -> Path:
    """Create a directory that only the account (None: we ourselves) can use, and return it."""
    scratch = Path(tempfile.mkdtemp(prefix="diorama-", dir=scratch_root(account)))
    give(scratch, account)
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


def _usable(root: Path, account: Account | None) -> bool:
    """Whether we can write to `root` and the account can enter it."""
    if not os.access(root, os.W_OK | os.X_OK):
        return False
    return account is None or account.can_reach(root)
