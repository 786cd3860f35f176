"""Webhooks from the provider: each is recorded once as a sighting, and moves no job."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.engine.tracking import Sighting, sight
from db.statements import statement
from statemachine.vocabulary import State, WebhookEffect


@dataclass(frozen=True, slots=True)
class Webhook:
    """A verified message. `token` is that of an attempt, or None where the URL carried none; `sighting` is JSON."""

    webhook_id: str
    token: UUID | None
    prediction_id: str
    has_ended: bool
    sighting: str


@dataclass(frozen=True, slots=True)
class DueJob:
    """A job that has become due, and the state in which it waits."""

    id: UUID
    state: State


def take_webhook(conn: Connection, webhook: Webhook) -> DueJob | None:
    """Record a webhook, and return the job that is due because of it.

    The end of a prediction is stored as a sighting, exactly as a page of the provider's list would store it. A message
    that was taken before changes nothing, nor does one whose token is not ours.
    """
    if webhook.token is not None:
        conn.execute(statement("lock_webhook_job"), {"token": webhook.token})
    given = {name: getattr(webhook, name) for name in ("webhook_id", "token", "prediction_id", "has_ended")}
    row = conn.execute(statement("take_webhook"), given).one_or_none()
    if row is None:
        return None
    if webhook.has_ended and row.effect in (WebhookEffect.NOTED, WebhookEffect.DUE):
        due = sight(conn, [Sighting(row.job_id, webhook.prediction_id, webhook.sighting, webhook.has_ended)])
        if due:
            return DueJob(row.job_id, State.GENERATING)
    return None if row.due_state is None else DueJob(row.job_id, State(row.due_state))
