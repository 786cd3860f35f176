"""The rule of suspensions: a suspended caller reads, but changes nothing and opens no socket."""

from __future__ import annotations

from jobs.errors import Suspended
from jobs.identity import Principal


def check_admitted(caller: Principal) -> None:
    """Raise Suspended for a caller whom support has suspended."""
    if caller.is_suspended:
        who = "user" if caller.session else "account"
        raise Suspended(f"This {who} is suspended: it can read, but not change anything. Contact support.")
