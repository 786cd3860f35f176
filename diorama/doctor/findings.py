"""What the doctor finds, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `ok` True, False for a fault, None for something to know."""

    what: str
    ok: bool | None
    told: str


def tell(console: Console, findings: Iterable[Finding]) -> int:
    """Print every finding once all are there; return the exit status: 0 when nothing is wrong, 1 otherwise."""
    found = list(findings)
    for finding in found:
        mark = {True: "[green]ok[/]  ", False: "[red]bad[/] ", None: "[yellow]note[/]"}[finding.ok]
        # A finding is one line, whatever the width of the terminal; what it quotes is no markup.
        told = escape(f"{finding.what}: {finding.told}".replace("\n", "; "))
        console.print(f"{mark} {told}", highlight=False, soft_wrap=True)
    return 1 if any(finding.ok is False for finding in found) else 0
