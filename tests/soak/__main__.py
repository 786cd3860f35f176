"""`python -m tests.soak MINUTES`: chaos for that long, then a report. The exit status is 1 if a promise was broken."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.soak.chaos import Plan, run
from tests.statemachine.explorer import explore


def main() -> int:
    """Explore the rules, run the chaos, and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--depth", type=int, default=14, help="how deep the rules are explored first")
    given = parser.parse_args()
    # The simulator runs in this process, and its server logs an error for each connection that it cuts on purpose.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    explored = explore(depth=given.depth)
    sys.stdout.write(f"rules                {explored.worlds} worlds, {explored.changes} changes: sound\n")
    with TemporaryDirectory(prefix="diorama-soak-") as folder:
        found, disruptions = run(Plan(lasts_s=60 * given.minutes), Path(folder))
    for name, number in sorted(disruptions.items()):
        sys.stdout.write(f"{name:<28} {number}\n")
    sys.stdout.write("\n".join([*found.lines(), ""]))
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
