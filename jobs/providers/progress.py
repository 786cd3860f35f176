"""Progress that a model logs: lines as tqdm writes them, `37%|███▋ | 11/30 [00:04<00:07]`."""

from __future__ import annotations

import re

# A bar is rewritten in place with carriage returns, so the last one of the last lines counts.
_BAR = re.compile(r"(?:^|[\r\n])\s*\d{1,3}%\s*\|[^|\r\n]{0,200}\|\s*(\d{1,9})/(\d{1,9})")
_TAIL_CHARACTERS = 4096


def progress_of(logs: str) -> float | None:
    """Return the share of work done, 0 to 1, from the last progress bar in `logs`; None if there is none."""
    bars = _BAR.findall(logs[-_TAIL_CHARACTERS:])
    if not bars:
        return None
    done, total = (int(number) for number in bars[-1])
    return min(1.0, done / total) if total else None
