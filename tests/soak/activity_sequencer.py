"""A process that competes to be the sequencer, until it is killed: `python -m tests.soak.activity_sequencer URL`."""

from __future__ import annotations

import sys
import threading

from db.connection import DatabaseSettings, connect_worker
from jobs.upkeep.periodic import SEQUENCING, PeriodicRunner, PeriodicTask
from jobs.upkeep.sequencing import Sequencer


def main(url: str) -> None:
    """Compete for the leader lock, and number events as the leader."""
    engine = connect_worker(DatabaseSettings(url, pool_size=4), name="soak-sequencer")
    sequencer = Sequencer(engine, every_s=0.02)
    task = PeriodicTask("sequence", 0.0, sequencer.step, SEQUENCING, sequencer.close)
    PeriodicRunner(engine, [task], lease_s=2.0)
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
