"""Normalises mutated videos one after the other: `python -m tests.jobs.media.video_fuzz CONTAINER FIRST COUNT`.

It prints what became of them. A file that breaks a rule ends it, with its number, by which it can be made again.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from jobs.media import video
from tests.jobs.media.video_fuzz.hostile_nodes import Elsewhere
from tests.jobs.media.video_fuzz.mutations import mutant
from tests.jobs.media.video_fuzz.opening import Openings, seen_opening
from tests.jobs.media.video_fuzz.originals import DIALECTS, originals
from tests.jobs.media.video_fuzz.running import MAY_BE_OPENED, Ended, Fault, judged, normalised


def main(container: str, first: int, count: int) -> None:
    """Normalise `count` files, and print how many came out as what, the longest CPU time and the most memory."""
    # Children are forked from here: each of them would load the libraries again.
    assert video
    with TemporaryDirectory() as top:
        inside, outside = Path(top) / "inside", Path(top) / "outside"
        files = originals(container, Path(top))
        for folder in (inside, outside):
            folder.mkdir()
            (folder / "secret.mp4").write_bytes(files[0])
        with seen_opening(inside, outside) as seen:
            elsewhere = Elsewhere("secret.mp4", outside / "secret.mp4", seen.port)
            run(container, files, elsewhere, inside, seen, range(first, first + count))


def run(container: str, files: list[bytes], elsewhere: Elsewhere, folder: Path, seen: Openings, numbers: range) -> None:
    """Normalise the files of these numbers, one after the other."""
    outcomes, ends = Counter[str](), list[Ended]()
    for number in numbers:
        data = mutant(DIALECTS[container], files[number % len(files)], elsewhere, number)
        (folder / "in").write_bytes(data)
        ends.append(normalised(folder))
        opened, was_called = seen.opened() - MAY_BE_OPENED, seen.was_called()
        try:
            if opened or was_called:
                raise Fault(f"opened {opened or 'a connection'}")
            outcomes[judged(ends[-1], folder)] += 1
        except (Fault, AssertionError) as fault:
            raise SystemExit(f"{container} {number}: {fault}") from fault
        for left in ("out.mp4", "out.sound"):
            (folder / left).unlink(missing_ok=True)
    longest_s, most_bytes = max(ended.cpu_s for ended in ends), max(ended.memory_bytes for ended in ends)
    total_s = sum(ended.cpu_s for ended in ends)
    sys.stdout.write(f"{container}: {dict(outcomes)}, {longest_s:.1f} s of {total_s:.0f} s, {most_bytes >> 20} MiB\n")


if __name__ == "__main__":
    main(sys.argv[1], *(int(given) for given in sys.argv[2:]))
