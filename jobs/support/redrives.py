"""Redrives: many jobs tried again, at a rate. The request writes a row, and a periodic task carries it out."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from db.paging import Window
from db.public_ids import IdKind, encode_id
from db.records.audit import add_audit_entry
from db.records.jobs import JobFilter, JobOrder, count_jobs, job_page
from db.records.ledger import WalletKey
from db.records.redrives import (
    Progress,
    Redrive,
    RunningRedrive,
    Skipped,
    end_redrive,
    insert_redrive,
    lock_due_redrive,
    note_progress,
    postpone_redrive,
    redrive_by_id,
)
from db.records.requests import IdempotencyKey
from db.scope import EVERYTHING, Scope
from jobs.engine.hints import Hinter
from jobs.errors import AlreadyFinished, Forbidden, Invalid, NotFound
from jobs.identity import Principal
from jobs.requesting.idempotency import once
from jobs.support.redriving import Redriven, RedriveOptions, revive_found
from statemachine.commands import ENDED_BADLY
from statemachine.deadlines import Deadlines
from statemachine.steps import REDRIVEN_STEPS
from statemachine.vocabulary import AuditAction, RedriveState, State

PER_MINUTE_MAX = 6_000
# The selected jobs are counted up to this number.
COUNTED_MAX = 10_000
# Jobs of one transaction, which locks their families and wallets.
_AT_ONCE_MAX = 50
# A redrive that cannot go on now, because a lock or a statement timed out, tries again after this time.
_POSTPONED = timedelta(seconds=30)
_DEADLINE = Deadlines().job
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RedriveRequest:
    """The jobs to redrive, of everything or of one account, and how; once for a key."""

    idempotency_key: str
    wanted: JobFilter
    scope: Scope
    per_minute: int
    at_most: int | None
    reason: str | None


def count_redrivable(conn: Connection, caller: Principal, wanted: JobFilter, scope: Scope) -> int:
    """Count the jobs that a redrive would select, up to `COUNTED_MAX`; raise Forbidden or Invalid."""
    _check_support(caller)
    return count_jobs(conn, scope, _ended(wanted), at_most=COUNTED_MAX)


def request_redrive(conn: Connection, caller: Principal, request: RedriveRequest) -> tuple[Redrive, bool]:
    """Begin a redrive; return it as it is now, and whether the same request began it earlier.

    Raises Forbidden, Invalid and IdempotencyKeyReused.
    """
    _check_support(caller)
    if not 1 <= request.per_minute <= PER_MINUTE_MAX:
        raise Invalid(f"perMinute must be from 1 to {PER_MINUTE_MAX}.", "input", "perMinute")
    if request.at_most is not None and request.at_most < 1:
        raise Invalid("atMost must be at least 1; omit it to redrive all of them.", "input", "atMost")
    key = IdempotencyKey(caller.account_id, caller.user_ref, "redriveJobs", request.idempotency_key)
    made = once(conn, key, request, lambda redrive_id: _begin(conn, caller, request, redrive_id))
    redrive = redrive_by_id(conn, made.resource_id)
    assert redrive is not None, "a redrive is kept as long as its key"
    return redrive, made.replayed


def _begin(conn: Connection, caller: Principal, request: RedriveRequest, redrive_id: UUID) -> None:
    account_id, wanted = request.scope.account_id, _ended(request.wanted)
    who = None if account_id is None else WalletKey(account_id)
    add_audit_entry(conn, caller.author, AuditAction.REDRIVE_JOBS, who, reason=request.reason)
    insert_redrive(
        conn,
        redrive_id,
        wanted,
        account_id=account_id,
        per_minute=request.per_minute,
        at_most=request.at_most,
        reason=request.reason,
        actor=caller.actor,
        matched=count_jobs(conn, request.scope, wanted, at_most=COUNTED_MAX),
    )


def stop_redrive(conn: Connection, caller: Principal, redrive_id: UUID) -> Redrive:
    """Stop a redrive: no further job begins. Raises Forbidden, NotFound, and AlreadyFinished if it has ended."""
    _check_support(caller)
    redrive = redrive_by_id(conn, redrive_id)
    if redrive is None:
        raise NotFound("The redrive does not exist.", "input", "redriveId")
    if not end_redrive(conn, redrive_id, RedriveState.STOPPED):
        raise AlreadyFinished("The redrive has already ended.", "input", "redriveId")
    who = None if redrive.account_id is None else WalletKey(redrive.account_id)
    add_audit_entry(conn, caller.author, AuditAction.STOP_REDRIVE, who)
    stopped = redrive_by_id(conn, redrive_id)
    assert stopped is not None
    return stopped


def _check_support(caller: Principal) -> None:
    if not caller.is_support:
        raise Forbidden("Only support can redrive jobs; to try one of yours again, use retryJob.")


def _ended(wanted: JobFilter) -> JobFilter:
    """Narrow a filter to jobs that ended badly; raise Invalid if it names other states."""
    if set(wanted.states) - ENDED_BADLY:
        raise Invalid("filter.states may contain only FAILED and CANCELED.", "input", "filter", "states")
    return replace(wanted, states=wanted.states or (State.FAILED,))


def continue_redrives(engine: Engine, hinter: Hinter | None = None, job_deadline: timedelta = _DEADLINE) -> int:
    """Begin the jobs of all running redrives that may begin now; return how many were revived.

    Each transaction is a step of one redrive: a process that dies in the middle has begun nothing of it.
    """
    revived = 0
    while (begun := _step(engine, job_deadline)) is not None:
        revived += len(begun)
        if hinter is not None and begun:
            hinter.hint(REDRIVEN_STEPS, begun)
    return revived


def _step(engine: Engine, job_deadline: timedelta) -> Set[UUID] | None:
    """Let one redrive go on; return the jobs that were revived, or None if no redrive is due."""
    with engine.begin() as conn:
        running = lock_due_redrive(conn)
        return None if running is None else _try_to_carry_on(conn, running, job_deadline)


def _try_to_carry_on(conn: Connection, running: RunningRedrive, job_deadline: timedelta) -> Set[UUID]:
    """Let a redrive go on, or postpone it if the database refuses, so that it does not delay the others."""
    try:
        with conn.begin_nested():
            return _carry_on(conn, running, job_deadline).revived
    except DBAPIError as error:
        redrive_id = encode_id(IdKind.REDRIVE, running.redrive.id)
        log.warning("a redrive is postponed", redrive_id=redrive_id, reason=type(error.orig).__name__)
        postpone_redrive(conn, running.redrive.id, _POSTPONED)
        return frozenset()


def _carry_on(conn: Connection, running: RunningRedrive, job_deadline: timedelta) -> Redriven:
    redrive = running.redrive
    scope = EVERYTHING if redrive.account_id is None else Scope(redrive.account_id)
    after = None if running.after_job is None else (running.after_job,)
    page = job_page(conn, scope, running.wanted, JobOrder.OLDEST, Window(_size(running), after))
    left = _left(redrive)
    options = RedriveOptions(redrive.actor, redrive.reason, job_deadline, running.is_urgent)
    done = revive_found(conn, [job.id for job in page.items], options, at_most=left)
    skipped = [Skipped(job_id, error.code, error.message) for job_id, error in done.skipped.items()]
    last = page.items[-1].id if page.has_next else None
    note_progress(conn, running, Progress(len(done.begun), len(done.revived), skipped, last))
    is_over = last is None and not running.is_urgent
    if is_over or (left is not None and left <= len(done.begun) + len(skipped)):
        end_redrive(conn, redrive.id, RedriveState.FINISHED)
    return done


def _size(running: RunningRedrive) -> int:
    """Return how many jobs to look at: urgent ones need no submission, and the rate is for submissions."""
    if running.is_urgent:
        return _AT_ONCE_MAX
    left = _left(running.redrive)
    return min(running.allowed, _AT_ONCE_MAX, running.allowed if left is None else left)


def _left(redrive: Redrive) -> int | None:
    """Return how many of the selected jobs may still begin or be skipped; None without a limit."""
    return None if redrive.at_most is None else redrive.at_most - redrive.begun - redrive.skipped
