"""Tracking: running predictions, their sightings in the provider's list, and the status of the tracker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from db.statements import statement


@dataclass(frozen=True, slots=True)
class Flight:
    """A running prediction. `listed_at` is its place in the provider's list; `elapsed_s` counts by our clock."""

    job_id: UUID
    prediction_id: str
    listed_at: datetime
    model: str
    duration_s: int | None
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """A running prediction in the provider's list, as JSON; with `has_ended` its job is due at once."""

    job_id: UUID
    prediction_id: str
    sighting: str
    has_ended: bool


@dataclass(frozen=True, slots=True)
class WatcherStatus:
    """The number of running predictions at the watcher's last count, and whether it reads them from the list."""

    in_flight: int = 0
    covers: bool = False


@dataclass(frozen=True, slots=True)
class Recent:
    """The durations of the last predictions of a model and a length, in seconds and in order.

    `queued_s` is the median wait of their jobs before the submission, `finishing_s` the median time from the output to
    success; None without data.
    """

    ended_s: tuple[float, ...]
    succeeded_s: tuple[float, ...]
    queued_s: float | None
    finishing_s: float | None


def in_flight(conn: Connection) -> list[Flight]:
    """Return the running predictions that can be found in the provider's list, newest first."""
    return [Flight(**row._mapping) for row in conn.execute(statement("in_flight"))]


def sight(conn: Connection, sightings: Sequence[Sighting]) -> int:
    """Record sightings and return the number of jobs that are due because of them. Idempotent."""
    columns = {name: [getattr(each, name) for each in sightings] for name in Sighting.__dataclass_fields__}
    conn.execute(statement("lock_generating"), {"job_id": columns["job_id"]})
    return len(conn.execute(statement("sight"), columns).all())


def write_watcher_status(conn: Connection, in_flight: int, covers_for: timedelta) -> None:
    """Record for all workers the number of running predictions, and the time for which the watcher covers them."""
    conn.execute(
        text("UPDATE watcher_status SET in_flight = :in_flight, covers_until = diorama_now() + :covers_for"),
        {"in_flight": in_flight, "covers_for": covers_for},
    )


def read_watcher_status(conn: Connection) -> WatcherStatus:
    """Return the status that the watcher last recorded."""
    row = conn.execute(text("SELECT in_flight, covers_until > diorama_now() AS covers FROM watcher_status")).one()
    return WatcherStatus(row.in_flight, row.covers)


def recent_durations(conn: Connection, models: Sequence[str]) -> dict[tuple[str, int | None], Recent]:
    """Return the durations of the last predictions, by model and requested length."""
    rows = conn.execute(statement("recent_durations"), {"models": list(models)})
    return {
        (row.model, row.duration_s): Recent(tuple(row.ended_s), tuple(row.succeeded_s), row.queued_s, row.finishing_s)
        for row in rows
    }


def unseen_for_s(conn: Connection, job_id: UUID, detail: str) -> float | None:
    """Return the seconds for which the polls of a running job have ended with `detail`, or None if the last did not.

    Polls that failed for another reason without finding the prediction do not interrupt that time.
    """
    found: float | None = conn.scalar(statement("unseen_for"), {"job_id": job_id, "detail": detail})
    return found
