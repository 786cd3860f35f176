"""Progress is read from the bars that tqdm writes, and from nothing else."""

from __future__ import annotations

import pytest

from jobs.providers.progress import progress_of

BARS = {
    "": None,
    "Generating image...\nGenerated image in 45.6sec\n": None,
    "  0%|          | 0/30 [00:00<?, ?it/s]": 0.0,
    "loading\n 37%|███▋      | 11/30 [00:04<00:07,  2.6it/s]": 11 / 30,
    "\r 10%|█         | 3/30 [00:01<00:09]\r 50%|█████     | 15/30 [00:05<00:05]": 0.5,
    "100%|██████████| 30/30 [00:11<00:00]\ndone\n": 1.0,
    "50%|#####     | 0/0 [00:00<?]": None,
    "90%|#########| 33/30 [00:00<?]": 1.0,
    "it is 50% | half | 1/2 done": None,
}


@pytest.mark.parametrize("logs", BARS)
def test_the_last_bar_counts(logs: str) -> None:
    assert progress_of(logs) == BARS[logs]


def test_a_bar_is_found_at_the_end_of_long_logs() -> None:
    assert progress_of("line\n" * 100_000 + " 25%|██▌       | 5/20 [00:01<00:03]") == 0.25
