"""The boundaries at which a worker can fail, each with its aftermath, for the tests and for docs/guarantees.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Aftermath(StrEnum):
    """The fate of the job after its lease has expired."""

    REPEATED = "its lease expires; the step is repeated"
    CONTINUED = "its work is recorded; the job continues with its next step"
    FOUND = "the provider is searched for the correlation id: the prediction is found and adopted"
    ABSENT = "the provider is searched for the correlation id: provably absent, so the job is submitted again"
    REWRITTEN = "its lease expires; the step is repeated under keys of its own, and the earlier objects are deleted"
    UNDONE_AGAIN = "its lease expires; the rest is undone, and undoing something twice is harmless"


class Fault(StrEnum):
    """A fault at a boundary."""

    KILLED = "killed"
    CUT = "cut"  # the worker's connections to Postgres
    FROZEN = "frozen"  # until its lease has expired, then it continues
    RESPONSE_LOST = "response lost"  # the provider acted, but the worker does not know


@dataclass(frozen=True, slots=True)
class Point:
    """A boundary: the step, the place in it, and the aftermath of a kill there.

    `calls` says whether a response of the provider can be lost there, `locks` whether the worker has the job locked.
    """

    step: str
    place: str
    aftermath: Aftermath
    calls: bool = False
    locks: bool = False

    @property
    def name(self) -> str:
        """Return its name in the lab."""
        return f"{self.step}: {self.place}"

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Return the faults that are tested here."""
        usual = (Fault.KILLED, Fault.CUT, Fault.FROZEN)
        return (*usual, Fault.RESPONSE_LOST) if self.calls else usual


def _recorded(step: str, before: Aftermath, after: Aftermath = Aftermath.CONTINUED) -> tuple[Point, ...]:
    return (
        Point(step, "before the commit", before, locks=True),
        Point(step, "after the commit", after),
        Point(step, "before the hint", after),
        Point(step, "after the hint", after),
    )


_A = Aftermath

POINTS: tuple[Point, ...] = (
    Point("claim", "before the commit", _A.REPEATED, locks=True),
    Point("claim", "after the commit", _A.REPEATED),
    *_recorded("intent", _A.REPEATED, _A.ABSENT),
    Point("submit", "before the provider is called", _A.ABSENT),
    Point("submit", "after the last check of its lease", _A.ABSENT),
    Point("submit", "after the provider was called", _A.FOUND, calls=True),
    *_recorded("submit", _A.FOUND),
    Point("reconcile", "before the provider is called", _A.REPEATED),
    Point("reconcile", "after the provider was called", _A.REPEATED, calls=True),
    *_recorded("reconcile", _A.REPEATED),
    Point("poll", "before the provider is called", _A.REPEATED),
    Point("poll", "after the provider was called", _A.REPEATED, calls=True),
    *_recorded("poll", _A.REPEATED),
    Point("store", "before the output is fetched", _A.REPEATED),
    Point("store", "while the output is fetched", _A.REPEATED, calls=True),
    Point("store", "before the object is written", _A.REPEATED),
    Point("store", "after the object was written", _A.REWRITTEN),
    *_recorded("store", _A.REWRITTEN),
    Point("transcode", "before the source is read", _A.REPEATED),
    Point("transcode", "before the object is written", _A.REPEATED),
    Point("transcode", "after the object was written", _A.REWRITTEN),
    *_recorded("transcode", _A.REWRITTEN),
    Point("compensate", "before the provider is called", _A.REPEATED),
    Point("compensate", "after the provider was called", _A.UNDONE_AGAIN, calls=True),
    Point("compensate", "before the objects are deleted", _A.UNDONE_AGAIN, locks=True),
    Point("compensate", "after the objects were deleted", _A.UNDONE_AGAIN, locks=True),
    *_recorded("compensate", _A.UNDONE_AGAIN),
)

CASES: tuple[tuple[Point, Fault], ...] = tuple((point, fault) for point in POINTS for fault in point.faults)

# Before it sends the first byte of the paid call, a worker checks how much of its lease is left. If it is frozen after
# that, for longer than what was left, it pays when it returns, although another worker has submitted again.
PAID_LATE = frozenset({"submit: after the last check of its lease"})
_LATE = "it pays when it returns; that prediction is found by its correlation id, canceled and booked as a duplicate"


def table() -> str:
    """Return the table of docs/guarantees.md: the fate of a job whose worker is killed, or frozen, at each boundary."""
    killed = [f"| {point.step} | {places} | {point.aftermath} |" for point, places in _grouped()]
    frozen = [
        f"| {point.step} | {point.place}, frozen until its lease has expired | {_LATE} |"
        for point in POINTS
        if point.name in PAID_LATE
    ]
    rows = [
        *killed,
        *frozen,
        "| all | frozen anywhere else until its lease has expired | it changes nothing when it returns |",
    ]
    return "\n".join(["| step | a worker is killed | what happens |", "| --- | --- | --- |", *rows, ""])


def _grouped() -> Iterator[tuple[Point, str]]:
    """Yield the boundaries; consecutive ones with the same aftermath are joined."""
    group: list[Point] = []
    for point in POINTS:
        if group and (group[0].step, group[0].aftermath) != (point.step, point.aftermath):
            yield group[0], ", ".join(each.place for each in group)
            group = []
        group.append(point)
    yield group[0], ", ".join(each.place for each in group)
