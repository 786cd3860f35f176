"""The message of a claim: all that Dramatiq passes from a consumer to an actor."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from dramatiq import Message, MessageProxy

from db.engine.claims import Claim


def message_of(queue: str, claim: Claim) -> Message[Any]:
    """Return the message that brings a claim to the actor of its queue."""
    job_id = str(claim.job_id)
    return Message(
        queue_name=queue,
        actor_name=queue,
        args=(job_id, claim.lease),
        kwargs={},
        options={},
        message_id=f"{job_id}/{claim.lease}",
    )


def claim_of(message: MessageProxy) -> Claim:
    """Return the claim that a message carries."""
    job_id, lease = message.args
    return Claim(UUID(job_id), lease)
