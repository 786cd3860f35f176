"""`python -m tests.soak MINUTES`: chaos for that long, then a report. Its exit status says whether a promise broke."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.soak.chaos import Plan, run
from tests.statemachine.explorer import explore


def main() -> int:
    """Walk the rules deeply, make chaos, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", type=float)
    parser.add_argument("--depth", type=int, default=14, help="how deep the rules are walked first")
    given = parser.parse_args()
    # The stand-in for Replicate runs in this process, and complains about each connection that it was told to cut.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    walked = explore(depth=given.depth)
    sys.stdout.write(f"rules                {walked.worlds} worlds, {walked.happenings} happenings: sound\n")
    with TemporaryDirectory(prefix="diorama-soak-") as folder:
        found, trouble = run(Plan(lasts_s=60 * given.minutes), Path(folder))
    for what, number in sorted(trouble.items()):
        sys.stdout.write(f"{what:<28} {number}\n")
    sys.stdout.write("\n".join([*found.lines(), ""]))
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
