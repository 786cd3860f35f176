"""Redriving jobs that ended: owners retry one job, support redrives many.

A redriven job continues at the first step whose result is missing, and its price in credits is held again. A parent
that failed or was rolled back is made again first, and jobs that failed only because of this one are revived with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from db.engine.commands import redrive
from db.engine.locking import lock_families
from db.engine.moves import LockedMove
from db.engine.redriving import Relative, read_family
from db.records.jobs import Job, job_by_id
from db.records.ledger import WalletKey, lock_wallets
from jobs.catalogue.catalogue import DEFAULT_CATALOGUE, Catalogue
from jobs.errors import (
    AlreadyFinished,
    InputExpired,
    NotFound,
    NotReady,
    NotRetryable,
    UseCaseError,
)
from jobs.identity import Principal
from jobs.requesting.credits import hold_from
from statemachine.commands import ENDED_BADLY, can_be_retried, resume_at
from statemachine.commands import redrive as redrive_of
from statemachine.deadlines import Deadlines
from statemachine.relatives import is_consequence
from statemachine.vocabulary import Kind, State, Tier

_DEADLINES = Deadlines()

_NO_LONGER_KEPT = {
    Kind.AVATAR: "The selfie for this avatar is no longer kept. Upload it again and request a new avatar.",
    Kind.SCENE: "The avatar for this scene is no longer kept. Create a new avatar and request a new scene.",
    Kind.ANIMATION: "The scene for this video is no longer kept. Create a new scene and request a new video.",
}


@dataclass(frozen=True, slots=True)
class Retried:
    """The job as it is now, and all jobs that were revived: itself, its parents and its children."""

    job: Job
    revived: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Redriven:
    """The result of redriving many jobs.

    `revived` contains those that began again (`begun`) and their relatives; `skipped` has the reasons of the others.
    """

    revived: frozenset[UUID]
    begun: tuple[UUID, ...]
    skipped: Mapping[UUID, UseCaseError]


@dataclass(frozen=True, slots=True)
class RedriveOptions:
    """The actor and the reason of a redrive, and the deadline of the cycles that it begins.

    `only_urgent` leaves out jobs that need a submission: the others have an output, which may expire. `tier` is that of
    the caller.
    """

    actor: str
    reason: str | None
    deadline: timedelta
    only_urgent: bool = False
    tier: str = Tier.PAID

    def redriven(self, job: Relative, to_state: State) -> LockedMove:
        """Return the move that begins another cycle of a job that ended badly."""
        decision = redrive_of(job.standing, to_state, deadline=self.deadline, reason=self.reason)
        assert decision is not None, f"a job that is {job.state} has not ended badly"
        return LockedMove(job.id, job.state, decision, self.actor)


def retry_job(conn: Connection, caller: Principal, job_id: UUID, catalogue: Catalogue = DEFAULT_CATALOGUE) -> Retried:
    """Retry a failed or canceled job.

    Raises NotFound, AlreadyFinished for a job that succeeded, NotReady for one that has not ended, NotRetryable if its
    error says so, InputExpired if its input is no longer kept, InsufficientCredits, LimitExceeded.
    """
    if job_by_id(conn, caller.scope, job_id) is None:
        raise NotFound("The job does not exist.", "input", "jobId")
    revived = retry_jobs(conn, caller, [job_id], catalogue)
    job = job_by_id(conn, caller.scope, job_id)
    assert job is not None
    return Retried(job, revived)


def retry_jobs(
    conn: Connection, caller: Principal, job_ids: Collection[UUID], catalogue: Catalogue = DEFAULT_CATALOGUE
) -> frozenset[UUID]:
    """Retry jobs that the caller may see, all or none; return those that were revived. Raises as `retry_job` does."""
    # All of them before the first wallet, as the lock order has it.
    locked = lock_families(conn, job_ids)
    options = RedriveOptions(caller.actor, None, catalogue.job_deadline, tier=caller.tier)
    revived: set[UUID] = set()
    for job_id in job_ids:
        if job_id not in revived:
            _check_retryable(conn, caller, job_id)
            revived |= _redrive(conn, job_id, locked, options)
    return frozenset(revived)


def _check_retryable(conn: Connection, caller: Principal, job_id: UUID) -> None:
    """Raise NotRetryable for a locked job that ended badly and would do so again. Support can redrive it."""
    job = job_by_id(conn, caller.scope, job_id)
    if job is None or job.state not in ENDED_BADLY or can_be_retried(job.state, job.error_code):
        return
    if is_consequence(job.error_code):
        message = "It ended because of another job: retry that one, or the story with retryStory."
    else:
        message = "The same request would fail again: change it and send it as a new one."
    raise NotRetryable(message, "input", "jobId")


def revive_found(
    conn: Connection, found: Collection[UUID], options: RedriveOptions, *, at_most: int | None = None
) -> Redriven:
    """Revive the jobs in order, no more than `at_most`; one that cannot be is skipped and returned with the reason.

    With `only_urgent`, one that cannot be is left for later, and not returned.
    """
    revived: set[UUID] = set()
    begun: list[UUID] = []
    skipped: dict[UUID, UseCaseError] = {}
    # Take all locks here: locking the next job's family after this one's wallet would break the lock order.
    locked = lock_families(conn, found)
    lock_wallets(conn, locked.values())
    for job_id in found:
        if job_id in revived:
            continue
        if at_most is not None and len(begun) + len(skipped) >= at_most:
            break
        try:
            with conn.begin_nested():
                revived |= _redrive(conn, job_id, locked, options)
            begun.append(job_id)
        except UseCaseError as error:
            if not options.only_urgent:
                skipped[job_id] = error
    return Redriven(frozenset(revived), tuple(begun), skipped)


def _redrive(conn: Connection, job_id: UUID, locked: Collection[UUID], options: RedriveOptions) -> set[UUID]:
    family = read_family(conn, job_id)
    job = family[job_id]
    if job.state is State.SUCCEEDED:
        raise AlreadyFinished("The job has succeeded; there is nothing to retry.", "input", "jobId")
    # A relative that is not locked failed while this transaction waited for its locks.
    if any(each.state is State.COMPENSATING or each.id not in locked for each in family.values()):
        raise NotReady("The job is still compensating; try again in a moment.", "input", "jobId")
    if job.state not in ENDED_BADLY:
        raise NotReady(f"The job has not ended: its state is {job.state}.", "input", "jobId")
    revived = redrive(conn, _redriven_family(job, family, options))
    _hold_credits(conn, [family[each] for each in revived], options)
    return revived


def _redriven_family(job: Relative, family: Mapping[UUID, Relative], options: RedriveOptions) -> list[LockedMove]:
    """Return the moves that restart a job with its family: the topmost job works, all others wait for it."""
    needed = [job]
    while (parent := _missing_parent(needed[-1], family)) is not None and parent.state in ENDED_BADLY:
        needed.append(parent)
    top, waiting = needed[-1], needed[:-1]
    waiting += [each for each in family.values() if each.is_below and each.state in ENDED_BADLY]
    begins = State.WAITING if parent is not None else _resume_at(top)
    if options.only_urgent and begins in (State.QUEUED, State.WAITING):
        raise NotReady("The job needs a submission.")
    if begins is State.QUEUED and not top.has_input:
        raise InputExpired(_NO_LONGER_KEPT[top.kind], "input", "jobId")
    return [options.redriven(top, begins), *(options.redriven(each, State.WAITING) for each in waiting)]


def _missing_parent(job: Relative, family: Mapping[UUID, Relative]) -> Relative | None:
    """Return the parent if the job needs its output again and the parent has none."""
    if _resume_at(job) is not State.QUEUED or job.parent_id is None:
        return None
    parent = family[job.parent_id]
    return None if parent.state is State.SUCCEEDED else parent


def _resume_at(job: Relative) -> State:
    return resume_at(has_source=job.has_source, output_age=job.output_age, error=job.error, deadlines=_DEADLINES)


def _hold_credits(conn: Connection, jobs: list[Relative], options: RedriveOptions) -> None:
    """Hold the prices in credits again, wallet by wallet in the lock order."""
    prices: defaultdict[WalletKey, dict[UUID, int]] = defaultdict(dict)
    for job in jobs:
        prices[job.wallet][job.id] = job.credits
    # All of them before the first cap, which is locked after wallets.
    lock_wallets(conn, prices)
    for wallet in sorted(prices):
        hold_from(conn, wallet, prices[wallet], actor=options.actor, tier=options.tier)
