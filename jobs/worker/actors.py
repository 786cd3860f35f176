"""The actors, one for each lane of each step. All advance the claimed job, whose state says which step it needs."""

from __future__ import annotations

from uuid import UUID

import dramatiq

from db.engine.claims import Claim
from jobs.worker.advance import AdvanceParts, advance
from jobs.worker.broker import RowBroker
from statemachine.steps import LANES, SPEC_OF


def declare_actors(broker: RowBroker, parts: AdvanceParts) -> None:
    """Declare the actor of each lane on a broker, bound to the parts of `advance`."""

    def act(job_id: str, lease: int) -> None:
        claim = Claim(UUID(job_id), lease)
        advance(claim, parts, known=broker.take(claim))

    for lane in LANES:
        rank = SPEC_OF[lane.step].rank
        dramatiq.actor(actor_name=lane.queue, queue_name=lane.queue, priority=rank, broker=broker)(act)
