"""The findings of the doctor, and their report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: `ok` is True, False for a fault, None for a note."""

    what: str
    ok: bool | None
    detail: str


def report(console: Console, findings: Iterable[Finding]) -> int:
    """Print every finding once all checks are done; return the exit status: 0 if nothing is wrong, 1 otherwise."""
    found = list(findings)
    for finding in found:
        mark = {True: "[green]ok[/]  ", False: "[red]bad[/] ", None: "[yellow]note[/]"}[finding.ok]
        # A finding is one line, whatever the width of the terminal, and its text is no markup.
        line = escape(f"{finding.what}: {finding.detail}".replace("\n", "; "))
        console.print(f"{mark} {line}", highlight=False, soft_wrap=True)
    return 1 if any(finding.ok is False for finding in found) else 0
