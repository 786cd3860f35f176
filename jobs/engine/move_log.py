"""The log of moves, written after their commit: which were recorded and which were dropped."""

from __future__ import annotations

import structlog

from db.engine.claims import ClaimedJob
from db.engine.recording import Move, Moved
from db.public_ids import IdKind, encode_id
from jobs.engine.recorder import Then

log = structlog.get_logger(__name__)

# The level of `log.info`. Building its fields costs more than asking.
_INFO = 20


def log_move(job: ClaimedJob, move: Move, moved: Moved | None) -> None:
    """Log a recorded move as `moved`, and one that another claim fenced off as `fenced`.

    The event's field is `job_event`, because `event` is the name of the line itself.
    """
    if not log.is_enabled_for(_INFO):
        return
    decision = move.decision
    log.info(
        "fenced" if moved is None else "moved",
        job_id=encode_id(IdKind.JOB, job.id),
        account_id=str(job.account_id),
        kind=job.kind,
        attempt=job.attempt + move.attempts_begun,
        from_state=move.from_state,
        job_event=decision.event,
        to_state=decision.to_state,
        error_code=decision.failure.code if decision.failure else None,
    )


def logged(job: ClaimedJob, move: Move) -> Then:
    """Return a callback for the recorder that logs the move. A move that the database refused is logged there."""

    def then(moved: Moved | None, error: Exception | None) -> None:
        if error is None:
            log_move(job, move, moved)

    return then
