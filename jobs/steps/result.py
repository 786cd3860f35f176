"""The result of a step, to be decided and recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from db.elapsed import this_instant
from db.engine.claims import ClaimedJob
from db.engine.recording import Moved
from db.engine.row_changes import AttemptChanged, RowChange
from statemachine.decisions import Decision
from statemachine.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Work:
    """An outcome, the job as it stood when it happened, and the rows that go with the move.

    `charged_micros` is what the step found to have been paid, beside what the outcome says.
    `afterwards` is done once the recorder has the move: it may wait for locks, and its loss costs no more than a hint.
    """

    job: ClaimedJob
    outcome: Outcome
    row_changes: tuple[RowChange, ...] = ()
    output_id: UUID | None = None
    charged_micros: int = 0
    afterwards: Callable[[], None] | None = None


_UNCHANGED = AttemptChanged(UUID(int=0), 0, "running")


def successor(work: Work, decision: Decision, moved: Moved | None) -> ClaimedJob | None:
    """Return the job as its next step would read it, claimed by the move itself; None if the move claimed nothing."""
    if moved is None or not moved.is_leased:
        return None
    job = work.job
    changed = next((change for change in work.row_changes if isinstance(change, AttemptChanged)), _UNCHANGED)
    return job.changed(
        prediction_id=changed.prediction_id or job.prediction_id,
        accepted_at=moved.at if changed.prediction_id else job.accepted_at,
        listed_at=changed.listed_at or job.listed_at,
        output_urls=changed.output_urls or job.output_urls,
        source_key=changed.source_key or job.source_key,
        source_type=changed.source_type or job.source_type,
        source_bytes=changed.source_bytes or job.source_bytes,
        source_sha256=changed.source_sha256 or job.source_sha256,
        lease=moved.lease,
        state=decision.to_state,
        failures=decision.failures,
        accepted=moved.accepted,
        claims=1,
        percent=moved.percent,
        entered_at=moved.at,
        claimed_at=moved.at,
        read_at=this_instant(),
    )
