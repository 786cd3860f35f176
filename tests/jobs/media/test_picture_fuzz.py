"""No mutated picture crashes its decoder, takes long, or gets past the checks half decoded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jobs.media import SELFIE_LIMITS
from jobs.media.isolation import CODE


@pytest.mark.parametrize("kind", SELFIE_LIMITS.formats)
@pytest.mark.parametrize(
    ("seed", "count"),
    [
        pytest.param(1, 500, marks=pytest.mark.media),
        *(pytest.param(seed, 1000, marks=pytest.mark.thorough) for seed in range(10_000, 20_000, 1000)),
    ],
)
def test_every_mutated_picture_is_cleaned_or_refused(kind: str, seed: int, count: int) -> None:
    """Run in a process of its own: a decoder that crashes would take this one with it."""
    command = (sys.executable, "-m", "tests.jobs.media.picture_fuzz", kind, str(seed), str(count))
    done = subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
