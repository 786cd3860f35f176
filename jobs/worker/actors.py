"""The five actors, one a step. All of them advance the claimed job; the step is in the job's state."""

from __future__ import annotations

from uuid import UUID

import dramatiq

from db.engine.claims import Claim
from jobs.worker.advance import AdvanceParts, advance
from jobs.worker.broker import RowBroker
from statemachine.vocabulary import Step

# Lower goes first among what a process has claimed: an output vanishes an hour after it is made, so storing leads.
_RANK = {Step.STORE: 0, Step.POLL: 1, Step.COMPENSATE: 1, Step.SUBMIT: 2, Step.TRANSCODE: 3}


def declare_actors(broker: RowBroker, parts: AdvanceParts) -> None:
    """Declare submit, poll, store, transcode and compensate on a broker, bound to what the worker is made of."""

    def act(job_id: str, lease: int) -> None:
        claim = Claim(UUID(job_id), lease)
        advance(claim, parts, known=broker.take(claim))

    for step in Step:
        dramatiq.actor(actor_name=step, queue_name=step, priority=_RANK[step], broker=broker)(act)
