"""Results of prompt experiments, counted from the submissions that took part in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from db.statements import statement


@dataclass(frozen=True, slots=True)
class VariantResult:
    """The results of one variant. `declined` counts content rejections, which are also counted as unsuccessful.

    `cost_micros` is all that was paid, in micro-US-dollars; `median_s` the usual time from acceptance to success,
    None where nothing has succeeded.
    """

    experiment: str
    variant: str
    jobs: int
    attempts: int
    ended: int
    succeeded: int
    declined: int
    cost_micros: int
    median_s: float | None

    @property
    def success_rate(self) -> float | None:
        """The share of ended submissions that succeeded, or None where none has ended."""
        return self.succeeded / self.ended if self.ended else None

    @property
    def rejection_rate(self) -> float | None:
        """The share of ended submissions that the content check declined, or None where none has ended."""
        return self.declined / self.ended if self.ended else None


def variant_results(conn: Connection, since: datetime | None = None) -> list[VariantResult]:
    """Return a result for each variant that was submitted since a time, or ever."""
    rows = conn.execute(statement("experiment_results"), {"since": since})
    return [VariantResult(**row._mapping) for row in rows]
