"""The report: the fate of every accepted job, and anything left behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from storage import S3Store
from tests.support.invariants import assert_attempts_add_up, assert_credits_add_up, assert_sound


@dataclass(frozen=True)
class Report:
    """The figures of a run. `wrong` says whether one that must be zero is not."""

    accepted: int
    states: dict[str, int]
    reasons: dict[str, int]
    lost: int
    stuck: int
    objects_without_row: list[str]
    rows_without_object: list[str]
    complaints: list[str]
    paid_calls: int
    unused_calls: int
    charged_twice: int
    replayed: int
    # The whole history of each job with something wrong.
    histories: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> bool:
        """Return whether a promise was broken."""
        left = (self.objects_without_row, self.rows_without_object, self.complaints)
        return bool(self.lost or self.stuck or self.charged_twice or any(left))

    def lines(self) -> list[str]:
        """Return the report as text."""
        rate = 100 * self.unused_calls / max(1, self.paid_calls)
        return [
            f"accepted             {self.accepted}",
            *(f"  {state:<19}{number}" for state, number in sorted(self.states.items())),
            *(f"    {code:<17}{number}" for code, number in sorted(self.reasons.items())),
            f"lost                 {self.lost}",
            f"stuck                {self.stuck}",
            f"tokens paid twice    {self.charged_twice}",
            f"objects without row  {len(self.objects_without_row)} {self.objects_without_row[:3]}",
            f"rows without object  {len(self.rows_without_object)} {self.rows_without_object[:3]}",
            f"histories replayed   {self.replayed}",
            f"paid calls           {self.paid_calls}, not used {self.unused_calls} ({rate:.2f} %)",
            *(f"WRONG: {complaint}" for complaint in self.complaints),
            *self.histories,
        ]


def report(engine: Engine, store: S3Store, accepted: Collection[UUID], billed: Collection[tuple[str, str]]) -> Report:
    """Compare the rows, the objects and the bill. `billed` are the provider's predictions: their ids and inputs."""
    with engine.connect() as conn:
        jobs = {row.id: row for row in conn.execute(text("SELECT id, state, error_code, finished_at FROM jobs"))}
        known = set(conn.scalars(text("SELECT prediction_id FROM attempts WHERE prediction_id IS NOT NULL")))
        named = set(conn.scalars(text("SELECT object_key FROM assets WHERE state = 'ready'")))
        of_ready = "SELECT r.object_key FROM renditions r JOIN assets a ON a.id = r.asset_id WHERE a.state = 'ready'"
        named |= set(conn.scalars(text(of_ready)))
        named |= set(conn.scalars(text("SELECT source_key FROM attempts WHERE source_key IS NOT NULL")))
    objects = {found.key for found in store.list()}
    inputs = [prediction_input for _, prediction_input in billed]
    return Report(
        accepted=len(accepted),
        states=_count(row.state for row in jobs.values()),
        reasons=_count(row.error_code for row in jobs.values() if row.error_code),
        lost=len(set(accepted) - set(jobs)),
        stuck=sum(row.finished_at is None for row in jobs.values()),
        objects_without_row=sorted(objects - named),
        rows_without_object=sorted(named - objects),
        complaints=_complaints(engine),
        paid_calls=len(billed),
        unused_calls=sum(prediction_id not in known for prediction_id, _ in billed),
        charged_twice=len(inputs) - len(set(inputs)),
        replayed=len(jobs),
        histories=_histories(engine, _suspects(jobs, objects ^ named)),
    )


def _suspects(jobs: dict[UUID, Any], keys: Iterable[str]) -> list[UUID]:
    """Return the jobs that are stuck, and the owners of objects without rows and of rows without objects."""
    stuck = {job_id for job_id, row in jobs.items() if row.finished_at is None}
    owners = {UUID(key.split("/")[1]) for key in keys if key.startswith("jobs/")}
    return sorted(stuck | (owners & set(jobs)))


def _histories(engine: Engine, job_ids: Iterable[UUID]) -> list[str]:
    queries = (
        "SELECT state, lease, lease_expires_at, claimed_by, claims, due_at, failures FROM jobs WHERE id = :id",
        "SELECT at, from_state, event, to_state, lease, reason, error_detail FROM job_events WHERE job_id = :id "
        "ORDER BY seq",
        "SELECT * FROM attempts WHERE job_id = :id ORDER BY attempt",
        "SELECT * FROM compensation_actions WHERE job_id = :id",
    )
    with engine.connect() as conn:
        return [
            f"{job_id}: {row}"
            for job_id in job_ids
            for query in queries
            for row in conn.execute(text(query), {"id": job_id})
        ]


def _complaints(engine: Engine) -> list[str]:
    found = []
    for check in (assert_sound, assert_attempts_add_up, assert_credits_add_up):
        try:
            check(engine)
        except AssertionError as error:
            found.append(f"{check.__name__}: {str(error).splitlines()[0]}")
    return found


def _count(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words))
