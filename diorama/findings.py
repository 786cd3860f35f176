"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `ok` True, False for a fault, None for something to know."""

    what: str
    ok: bool | None
    told: str
