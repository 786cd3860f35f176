"""The program on a day when every model was still served: `python tests/acceptance/earlier.py TUNING worker ...`.

Models that need a key in their input are retired one by one, but the guarantees about that key must stay testable.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from diorama import wiring
from tests.support.tuned import run

build_models = wiring.build_models

if __name__ == "__main__":
    wiring.build_models = lambda settings: replace(build_models(settings), today=lambda: date(2026, 10, 1))
    run()
