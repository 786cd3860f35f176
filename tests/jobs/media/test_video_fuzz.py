"""No mutated video crashes its child, keeps it busy, reaches another file or address, or comes out half as promised."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jobs.media.isolation import CODE
from tests.jobs.media.video_fuzz.originals import ORIGINALS


@pytest.mark.parametrize("container", ORIGINALS)
@pytest.mark.parametrize(
    ("first", "count"),
    [
        (0, 100),
        *(pytest.param(first, 1000, marks=pytest.mark.thorough) for first in range(10_000, 20_000, 1000)),
    ],
)
def test_every_mutated_video_is_normalised_or_refused(container: str, first: int, count: int) -> None:
    command = (sys.executable, "-m", "tests.jobs.media.video_fuzz", container, str(first), str(count))
    done = subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
