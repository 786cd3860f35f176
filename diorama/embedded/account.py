"""The account that a server runs as: our own, or an unprivileged one if we are root.

Postgres refuses to run as root. For this, no account is created and no directory of the user's is opened: an existing
account is borrowed, and files that it cannot reach are copied to where it can.
"""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from diorama.embedded.errors import EmbeddedServerError


@dataclass(frozen=True, slots=True)
class Account:
    """A user and its first group, by number."""

    uid: int
    gid: int

    def owns_or_may(self, status: os.stat_result, permission: int) -> bool:
        """Return whether the mode bits grant `permission` (bits of `stat.S_IRWXO`) to this account."""
        if status.st_uid == self.uid:
            return (status.st_mode >> 6) & permission == permission
        if status.st_gid == self.gid:
            return (status.st_mode >> 3) & permission == permission
        return status.st_mode & permission == permission

    def can_reach(self, path: Path) -> bool:
        """Return whether the account may enter this directory and all above it."""
        real = path.resolve()
        return all(self.owns_or_may(each.stat(), stat.S_IXOTH) for each in (real, *real.parents))

    def can_run(self, program: Path) -> bool:
        """Return whether the account may read and execute this file in its place."""
        needed = stat.S_IROTH | stat.S_IXOTH
        return self.can_reach(program.parent) and self.owns_or_may(program.stat(), needed)


def server_account() -> Account | None:
    """Return the account for a server that refuses to run as root, or None if we are not root and run it ourselves."""
    if os.geteuid() != 0:
        return None
    accounts = sorted(pwd.getpwall(), key=lambda entry: entry.pw_name != "nobody")
    borrowed = next((entry for entry in accounts if entry.pw_uid != 0), None)
    if borrowed is None:
        raise EmbeddedServerError(
            "Postgres does not run as root, and this system has no other account to run it as, such as 'nobody'. "
            "Run as an ordinary user."
        )
    return Account(borrowed.pw_uid, borrowed.pw_gid)


def give(path: Path, account: Account | None) -> None:
    """Make the account the owner of `path`, which we created."""
    if account is not None:
        os.chown(path, account.uid, account.gid)
