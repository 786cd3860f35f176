"""What a step hands to be decided and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from db.claims import ClaimedJob
from db.effects import Effect
from statemachine.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Work:
    """An outcome, the job as it stood when it happened, and the rows that go with the move."""

    job: ClaimedJob
    outcome: Outcome
    effects: tuple[Effect, ...] = ()
    output_id: UUID | None = None
