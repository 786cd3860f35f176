"""Claims: leasing due jobs to a worker, and prolonging or releasing the leases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil, inf
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from db.elapsed import Instant, this_instant
from db.statements import execute
from statemachine.decisions import JobFacts
from statemachine.vocabulary import Kind, OnFailure, State, Step

# Comes before every account.
BEFORE_ALL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to move one job, until its lease ends or grows. This is the whole message of the broker."""

    job_id: UUID
    lease: int


@dataclass(slots=True)
class FairnessCursor:
    """The account that a claim served last: the next claim of the same lane begins with those after it."""

    after: UUID = BEFORE_ALL


@dataclass(frozen=True)
class ClaimedJob:
    """A claimed job with what its step needs: its request, its input and its current attempt.

    `claimed_at` is the database's time of reading, and `read_at` the same moment by this process's own clocks. Fields
    of the attempt are None before the first submission.
    Without slots, because with so many fields a dictionary is copied several times faster than a job is built anew.
    """

    id: UUID
    lease: int
    account_id: UUID
    is_test: bool
    session_id: UUID | None
    story_id: UUID | None
    parent_id: UUID | None
    kind: Kind
    priority: int
    state: State
    attempt: int
    accepted: int
    failures: int
    claims: int
    percent: int
    created_at: datetime
    entered_at: datetime
    deadline_at: datetime
    cancel_requested: bool
    claimed_at: datetime
    theme: str | None
    details: str | None
    style: str | None
    camera: str | None
    duration_s: int | None
    tier: str
    on_failure: OnFailure
    input_id: UUID | None
    input_key: str | None
    input_type: str | None
    input_bytes: int | None
    input_sha256: str | None
    token: UUID | None
    model: str | None
    prediction_id: str | None
    output_urls: tuple[str, ...]
    attempt_started_at: datetime | None
    accepted_at: datetime | None
    source_key: str | None
    source_type: str | None
    source_bytes: int | None
    source_sha256: str | None
    # When the provider created the prediction, by its own clock, and what its list or a webhook reported of it.
    listed_at: datetime | None
    sighting: dict[str, Any] | None
    read_at: Instant = field(compare=False)

    @classmethod
    def from_rows(cls, rows: Sequence[Any]) -> list[ClaimedJob]:
        """Return the jobs of `claimed_job.sql`, whose columns have the names of this class's fields in any order.

        Raises TypeError where they do not.
        """
        read_at = this_instant()
        if rows and _FIELDS.symmetric_difference(rows[0]._fields) != {"read_at"}:
            raise TypeError(f"claimed jobs have other fields than {', '.join(rows[0]._fields)}")
        return [cls._read(row._asdict(), read_at) for row in rows]

    @classmethod
    def _read(cls, given: dict[str, Any], read_at: Instant) -> ClaimedJob:
        for name, convert in _CONVERSIONS:
            given[name] = convert(given[name])
        given["read_at"] = read_at
        return cls._of(given)

    @classmethod
    def _of(cls, given: dict[str, Any]) -> ClaimedJob:
        job = object.__new__(cls)
        job.__dict__.update(given)
        return job

    def changed(self, **changes: Any) -> ClaimedJob:
        """Return a copy of this job with some fields changed; raise TypeError for an unknown field."""
        unknown = changes.keys() - self.__dict__.keys()
        if unknown:
            raise TypeError(f"a claimed job has no {', '.join(sorted(unknown))}")
        return self._of(self.__dict__ | changes)

    @property
    def claim(self) -> Claim:
        """The claim under which this job was read."""
        return Claim(self.id, self.lease)

    def now(self, instant: Instant) -> datetime:
        """Return the database's time at an instant of this process, however long after the claim."""
        return self.claimed_at + timedelta(seconds=instant.since(self.read_at))

    @property
    def facts(self) -> JobFacts:
        """The facts of this job that decisions depend on."""
        return JobFacts(
            state=self.state,
            priority=self.priority,
            accepted=self.accepted,
            failures=self.failures,
            claims=self.claims,
            entered_at=self.entered_at,
            deadline_at=self.deadline_at,
            cancel_requested=self.cancel_requested,
        )


# No more is begun for an account whose outputs wait this long: they must be finished within the hour that the provider
# keeps them and the two hours that transcoding may take.
_BEHIND_AFTER = timedelta(minutes=10)

_FIELDS = frozenset(ClaimedJob.__dataclass_fields__)

_CONVERSIONS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("kind", Kind),
    ("state", State),
    ("on_failure", OnFailure),
    ("output_urls", lambda urls: tuple(urls or ())),
)


def claim_due(
    conn: Connection,
    step: Step,
    *,
    worker: str,
    limit: int,
    lease_for: timedelta,
    is_long: bool | None = None,
    cursor: FairnessCursor | None = None,
    admit: Callable[[int], int] = int,
) -> list[ClaimedJob]:
    """Lease up to `limit` due jobs of `step` to `worker`; return an empty list if none is due or the step is paused.

    `is_long` claims only animations, or only pictures, of the accounts in turn, in the order of `cursor`; None claims
    all, and the longest due jobs go first. Queued jobs are shared equally among the accounts that have some and are
    below their limit, in the order of `cursor` as well, which advances even if nothing is claimed; `admit` limits how
    many of them may begin. The leases end at the database's time + `lease_for`; after that any worker may claim
    the jobs again.
    """
    given = {"worker": worker, "lease_for": lease_for}
    if is_long is not None:
        return _claim_in_turn(
            conn, {**given, "step": step, "limit": limit, "is_long": is_long}, cursor or FairnessCursor()
        )
    rows = execute(conn, "claim", "lease_due", "claimed_job", given={**given, "step": step, "limit": limit})
    jobs = ClaimedJob.from_rows(rows)
    room = limit - len(jobs)
    if step is Step.SUBMIT and room and (most := admit(room)):
        shares_of = _account_shares(conn, most, cursor or FairnessCursor())
        if shares_of:
            shares = {**given, "limit": most, "account_ids": list(shares_of), "quotas": list(shares_of.values())}
            rows = execute(conn, "claim_queued", "lease_due", "claimed_job", given=shares)
            jobs += ClaimedJob.from_rows(rows)
    return jobs


def _claim_in_turn(conn: Connection, given: dict[str, Any], cursor: FairnessCursor) -> list[ClaimedJob]:
    """Lease due jobs of a lane, the same number for each account in turn, and advance the cursor."""
    lane = {name: given[name] for name in ("step", "is_long", "limit")}
    found = execute(conn, "accounts_in_turn", given={**lane, "after": cursor.after})
    if found:
        cursor.after = found[-1].account_id
    account_ids = [row.account_id for row in found if row.is_due]
    if not account_ids:
        return []
    shares = {**given, "account_ids": account_ids, "quota": ceil(given["limit"] / len(account_ids))}
    return ClaimedJob.from_rows(execute(conn, "claim_in_turn", "lease_due", "claimed_job", given=shares))


def _account_shares(conn: Connection, limit: int, cursor: FairnessCursor) -> dict[UUID, int]:
    """Return the number of jobs of each account that may be claimed, an equal share each, and advance the cursor."""
    given = {"limit": limit, "after": cursor.after, "behind_after": _BEHIND_AFTER}
    found = execute(conn, "account_shares", given=given)
    if found:
        cursor.after = found[-1].account_id
    rooms = {row.account_id: row.room for row in found if row.room > 0}
    share = ceil(limit / max(1, len(rooms)))
    return {account_id: min(share, room) for account_id, room in rooms.items()}


def claim_overdue(
    conn: Connection, *, worker: str, limit: int, lease_for: timedelta, limits: Mapping[State, timedelta]
) -> list[ClaimedJob]:
    """Lease up to `limit` overdue jobs to `worker`: queued jobs, and jobs of paused steps.

    `limits` are the longest times that a job may stay in the states that have a limit of their own.
    """
    given = {"worker": worker, "lease_for": lease_for, "limit": limit}
    given |= {"states": list(limits), "limits": list(limits.values())}
    return ClaimedJob.from_rows(execute(conn, "claim_overdue", "lease_due", "claimed_job", given=given))


def release(conn: Connection, claims: Sequence[Claim]) -> int:
    """Release unused claims and return the number of those still valid. Calling it twice is safe."""
    given = {"ids": [claim.job_id for claim in claims], "leases": [claim.lease for claim in claims]}
    return len(execute(conn, "release", given=given))


def renew(conn: Connection, claim: Claim, lease_for: timedelta, ends_at: datetime | None = None) -> bool:
    """Prolong a lease to now + `lease_for`.

    Returns False if the lease was lost, a cancel waits for this step to end, or the step's time ended at `ends_at`.
    """
    given = {"id": claim.job_id, "lease": claim.lease, "lease_for": lease_for, "ends_at": ends_at}
    return bool(execute(conn, "renew", given=given))


def still_leased(conn: Connection, claims: Sequence[Claim]) -> set[Claim]:
    """Return those of the claims under which work may go on: not lost, and without a cancel that waits for its end."""
    rows = execute(conn, "still_leased", given={"ids": [claim.job_id for claim in claims]})
    return {Claim(row.id, row.lease) for row in rows} & set(claims)


def load(conn: Connection, claim: Claim) -> ClaimedJob | None:
    """Read a claimed job, or return None when the claim has been lost."""
    rows = execute(conn, "load", "claimed_job", given={"id": claim.job_id, "lease": claim.lease})
    return next(iter(ClaimedJob.from_rows(rows)), None)


def next_due_in(conn: Connection, step: Step) -> float:
    """Return the seconds until the next job of `step` is due, or infinity if no job will become due."""
    (found,) = execute(conn, "next_due", given={"step": step})
    return inf if found.seconds is None else max(0.0, found.seconds)
