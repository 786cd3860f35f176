"""Putting events in order: those of one job without a gap, those of several jobs by time."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from itertools import groupby
from uuid import UUID

from db.records.events import JobEvent


def in_order(events: Iterable[JobEvent], seen: Mapping[UUID, int]) -> list[JobEvent]:
    """Return those of `events` that follow `seen` without a gap: each job's by sequence number, the jobs' by time.

    A transaction that waited for a row carries the time at which it began, so within a job only the sequence number
    tells the order. What comes after a gap is left out; the next read returns it.
    """
    ordered = sorted(events, key=lambda event: (event.job_id, event.seq))
    runs = [_following(list(run), seen[job_id]) for job_id, run in groupby(ordered, key=lambda event: event.job_id)]
    return list(heapq.merge(*runs, key=lambda event: event.at))


def _following(run: list[JobEvent], seq: int) -> list[JobEvent]:
    found = []
    for event in run:
        if event.seq == seq + 1:
            found.append(event)
            seq += 1
    return found
