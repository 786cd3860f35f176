"""Watching: what runs at the provider, what its list said of that, and whether anybody looks at the list."""

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
    """What the list says of a running prediction, as JSON; `has_ended` where its job has something to do at once."""

    job_id: UUID
    prediction_id: str
    sighting: str
    has_ended: bool


@dataclass(frozen=True, slots=True)
class WatchState:
    """How many predictions ran when the watcher last counted, and whether it looks at them in the list."""

    in_flight: int = 0
    covers: bool = False


@dataclass(frozen=True, slots=True)
class Recent:
    """How long the last predictions of a model and a length took, in seconds and in order.

    `queued_s` is how long their jobs had waited before, `finishing_s` what came after that until they had succeeded, at
    the median; None where nothing can be told.
    """

    ended_s: tuple[float, ...]
    succeeded_s: tuple[float, ...]
    queued_s: float | None
    finishing_s: float | None


def in_flight(conn: Connection) -> list[Flight]:
    """Return what is running at the provider and can be found in its list, the newest first."""
    return [Flight(**row._mapping) for row in conn.execute(statement("in_flight"))]


def sight(conn: Connection, sightings: Sequence[Sighting]) -> int:
    """Write down what the list says, and return how many jobs are due because of it. Twice is as good as once."""
    columns = {name: [getattr(each, name) for each in sightings] for name in Sighting.__dataclass_fields__}
    conn.execute(statement("lock_generating"), {"job_id": columns["job_id"]})
    return len(conn.execute(statement("sight"), columns).all())


def write_watch(conn: Connection, in_flight: int, covers_for: timedelta) -> None:
    """Tell every worker how many predictions run, and for how long they are looked at in the list."""
    conn.execute(
        text("UPDATE provider_watch SET in_flight = :in_flight, covers_until = diorama_now() + :covers_for"),
        {"in_flight": in_flight, "covers_for": covers_for},
    )


def read_watch(conn: Connection) -> WatchState:
    """Return what the watcher last told."""
    row = conn.execute(text("SELECT in_flight, covers_until > diorama_now() AS covers FROM provider_watch")).one()
    return WatchState(row.in_flight, row.covers)


def recent_durations(conn: Connection, models: Sequence[str]) -> dict[tuple[str, int | None], Recent]:
    """Return how long the last predictions took, by model and by the length that was asked for."""
    rows = conn.execute(statement("recent_durations"), {"models": list(models)})
    return {
        (row.model, row.duration_s): Recent(tuple(row.ended_s), tuple(row.succeeded_s), row.queued_s, row.finishing_s)
        for row in rows
    }


def unseen_for_s(conn: Connection, job_id: UUID, detail: str) -> float | None:
    """Return for how long the looks at a running job have ended with `detail`; None where none has since the last one.

    What went otherwise in passing, without showing the prediction, does not count as a look.
    """
    found: float | None = conn.scalar(statement("unseen_for"), {"job_id": job_id, "detail": detail})
    return found
