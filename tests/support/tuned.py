"""The program with other constants than its own: `python tests/support/tuned.py TUNING worker ...`.

No operator has a reason to change how a worker paces itself, so there is no setting for it. Tests stand before a
provider that is a hundred times faster than the real one, and hand the constants over as an argument.
"""

from __future__ import annotations

import base64
import pickle
import sys
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from diorama import work
from diorama.cli import main
from diorama.tuning import Tuning

QUICK = Tuning(lease=timedelta(seconds=1), list_settles_after_s=1.0)
QUICK = replace(
    QUICK,
    polling=replace(QUICK.polling, least_s=0.1, unreported_most_s=0.1),
    breaker=replace(QUICK.breaker, outage_s=0.2, account_s=0.3),
)
"""For the simulator: it is much faster than what it stands for, and so are the waits for it."""


def program(tuning: Tuning, script: Path = Path(__file__)) -> list[str]:
    """Return the command that runs the program with these constants."""
    return [sys.executable, str(script), base64.b64encode(pickle.dumps(tuning)).decode()]


def use(encoded: str) -> None:
    """Have this process's workers use the constants that `program` encoded."""
    tuning: Any = pickle.loads(base64.b64decode(encoded))
    work.run_worker = partial(work.run_worker, tuning=tuning)


def run() -> None:
    """Run the command line with the constants that its first argument names."""
    use(sys.argv.pop(1))
    main()


if __name__ == "__main__":
    run()
