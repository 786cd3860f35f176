"""Trying again what has ended: by its owner one job at a time, by support many at a rate.

A redriven job goes on from the first step whose result is missing, and its price is held anew. What it is made from is
made again first where that failed or was rolled back, and what failed only because of it is revived with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from db.engine.redriving import Relative, Revival, lock_family, revive
from db.paging import Window
from db.records.jobs import Job, JobFilter, JobOrder, job_by_id, job_page
from db.records.ledger import WalletKey
from jobs.catalogue.offer import DEFAULT_OFFER, Offer
from jobs.errors import AlreadyFinished, Forbidden, InputExpired, Invalid, NotFound, NotReady, UseCaseError
from jobs.identity import Principal
from jobs.requesting.credits import hold_from
from statemachine.backoff import head_start
from statemachine.vocabulary import Kind, State

AT_ONCE_MAX = 500
PER_MINUTE_MAX = 6_000

_ENDED_BADLY = (State.FAILED, State.CANCELED)

_NO_LONGER_KEPT = {
    Kind.AVATAR: "The selfie it was to be made from is no longer kept. Upload it again, and ask for a new avatar.",
    Kind.SCENE: "The avatar it was to be made from is no longer kept. Make a new one, and ask for a new scene.",
    Kind.ANIMATION: "The scene it was to be made from is no longer kept. Make a new one, and ask for a new video.",
}


@dataclass(frozen=True, slots=True)
class Retried:
    """The job as it is now, and every job that was revived: itself, its parents and its children."""

    job: Job
    revived: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of a redrive of many: the jobs revived, and why others were not."""

    revived: frozenset[UUID]
    skipped: Mapping[UUID, UseCaseError]


def retry_job(conn: Connection, caller: Principal, job_id: UUID, offer: Offer = DEFAULT_OFFER) -> Retried:
    """Try a failed or canceled job again.

    Raises NotFound, AlreadyFinished for one that succeeded, NotReady for one that has not ended, InputExpired where
    what it would begin with is no longer kept, InsufficientCredits.
    """
    if job_by_id(conn, caller.scope, job_id) is None:
        raise NotFound("There is no such job.", "input", "jobId")
    revived = _redrive(conn, job_id, _Terms(caller.actor, None, timedelta(0), offer.job_deadline))
    job = job_by_id(conn, caller.scope, job_id)
    assert job is not None
    return Retried(job, frozenset(revived))


def redrive_jobs(
    conn: Connection,
    caller: Principal,
    wanted: JobFilter,
    *,
    per_minute: int,
    at_most: int,
    reason: str | None,
    offer: Offer = DEFAULT_OFFER,
) -> Redriven:
    """Revive failed and canceled jobs of a filter, the oldest first, so many of them a minute; for support.

    What is at hand already and has only to be stored or finished begins at once, for its time is short.
    Raises Forbidden or Invalid. A job that can not be revived is skipped and told of.
    """
    if not caller.is_support:
        raise Forbidden("Only support can redrive jobs of others.")
    if not 1 <= per_minute <= PER_MINUTE_MAX:
        raise Invalid(f"perMinute must be from 1 to {PER_MINUTE_MAX}.", "input", "perMinute")
    if not 1 <= at_most <= AT_ONCE_MAX:
        raise Invalid(f"first must be from 1 to {AT_ONCE_MAX}.", "input", "first")
    revived: set[UUID] = set()
    skipped: dict[UUID, UseCaseError] = {}
    found = job_page(conn, caller.scope, _ended(wanted), JobOrder.OLDEST, Window(at_most)).items
    for job in found:
        if job.id in revived:
            continue
        terms = _Terms(caller.actor, reason, timedelta(minutes=len(revived) / per_minute), offer.job_deadline)
        try:
            with conn.begin_nested():
                revived |= _redrive(conn, job.id, terms)
        except UseCaseError as error:
            skipped[job.id] = error
    return Redriven(frozenset(revived), skipped)


def _ended(wanted: JobFilter) -> JobFilter:
    """Narrow a filter to jobs that ended badly; raise Invalid where it asks for others."""
    if set(wanted.states) - set(_ENDED_BADLY):
        raise Invalid("filter.states can only be FAILED and CANCELED.", "input", "filter", "states")
    return replace(wanted, states=wanted.states or (State.FAILED,))


@dataclass(frozen=True, slots=True)
class _Terms:
    """Who redrives and why, when a job goes to the provider, and how long it may take from then on."""

    actor: str
    reason: str | None
    due_in: timedelta
    deadline: timedelta

    @property
    def ends_in(self) -> timedelta:
        """When its deadline is: however long it waits for its turn in a redrive of many, its time begins then."""
        return self.due_in + self.deadline


def _redrive(conn: Connection, job_id: UUID, terms: _Terms) -> set[UUID]:
    family = lock_family(conn, job_id)
    job = family[job_id]
    if job.state is State.SUCCEEDED:
        raise AlreadyFinished("The job has succeeded: there is nothing to try again.", "input", "jobId")
    if any(each.state is State.COMPENSATING for each in family.values()):
        raise NotReady("The job is still being undone; try again in a moment.", "input", "jobId")
    if job.state not in _ENDED_BADLY:
        raise NotReady(f"The job is {job.state}: it has not ended.", "input", "jobId")
    revivals = _revivals(job, family, terms)
    revived = revive(conn, revivals, deadline=terms.ends_in, actor=terms.actor, reason=terms.reason)
    _hold(conn, [family[each] for each in revived], terms.actor)
    return revived


def _revivals(job: Relative, family: Mapping[UUID, Relative], terms: _Terms) -> list[Revival]:
    """Return how a job, what it needs and what needs it begin again: the topmost works, all others wait for it."""
    line = [job]
    while (parent := _missing_parent(line[-1], family)) is not None and parent.state in _ENDED_BADLY:
        line.append(parent)
    top, waiting = line[-1], line[:-1]
    waiting += [each for each in family.values() if each.is_below]
    begins = State.WAITING if parent is not None else top.resume_at
    if begins is State.QUEUED and not top.has_input:
        raise InputExpired(_NO_LONGER_KEPT[top.kind], "input", "jobId")
    return [_revival(top, begins, terms), *(_revival(each, State.WAITING, terms) for each in waiting)]


def _missing_parent(job: Relative, family: Mapping[UUID, Relative]) -> Relative | None:
    """Return what a job is made from where it still needs that and it is not there."""
    if job.resume_at is not State.QUEUED or job.parent_id is None:
        return None
    parent = family[job.parent_id]
    return None if parent.state is State.SUCCEEDED else parent


def _revival(job: Relative, to_state: State, terms: _Terms) -> Revival:
    if to_state is State.WAITING:
        return Revival(job.id, to_state, terms.ends_in)
    if to_state is not State.QUEUED:
        # It asks nothing more of the models, and the clock of its step is running: outputs vanish within the hour.
        return Revival(job.id, to_state, timedelta(0))
    # Whoever redrives at a rate means it: only what may begin at once gets the head start of its priority.
    early = timedelta(0) if terms.due_in else head_start(job.priority)
    return Revival(job.id, to_state, terms.due_in - early)


def _hold(conn: Connection, jobs: list[Relative], actor: str) -> None:
    """Hold the prices anew, wallet by wallet in one order for all."""
    prices: defaultdict[WalletKey, dict[UUID, int]] = defaultdict(dict)
    for job in jobs:
        prices[job.wallet][job.id] = job.credits
    for wallet in sorted(prices, key=lambda key: (key.account_id, key.user_ref)):
        hold_from(conn, wallet, prices[wallet], actor=actor)
