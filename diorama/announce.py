"""The line that a server prints once it is ready, so that the process that started it need not guess."""

from __future__ import annotations

import json
import sys


def announce(**facts: str) -> None:
    """Print one line of JSON to standard output: what is ready, and where."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()
