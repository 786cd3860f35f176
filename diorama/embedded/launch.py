"""Turns into a server: switches accounts, requests a signal for when the parent dies, then executes the program.

`process` runs it as a script, with only the standard library: `launch.py PARENT SIGNAL UID GID PROGRAM ...`. It is a
separate program instead of a `preexec_fn`, because Python code between fork and exec can deadlock in a process that has
threads. The account comes first: changing it clears the parent-death signal.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
KEEP = -1


def take_account(uid: int, gid: int) -> None:
    """Switch from root to this account for good. KEEP changes nothing."""
    if uid == KEEP:
        return
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with_parent(parent: int, death_signal: int) -> None:
    """Have the kernel send us `death_signal` when the parent dies. Only on Linux; elsewhere, `stop` must suffice."""
    if sys.platform != "linux":
        return
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal) != 0:
        raise OSError(ctypes.get_errno(), "cannot request a signal for the parent's death")
    if os.getppid() != parent:  # it died before we could ask
        os._exit(1)


def main(arguments: list[str]) -> None:
    """Turn this process into the program that the arguments name, or exit with a message that says why not."""
    parent, death_signal, uid, gid = map(int, arguments[:4])
    program = arguments[4:]
    try:
        take_account(uid, gid)
        die_with_parent(parent, death_signal)
        os.execv(program[0], program)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"cannot run {program[0]} as {f'the user {uid}' if uid != KEEP else 'ourselves'}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
