"""Webhooks of the provider: what one says is written down where somebody will look, and moves no job."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from db.statements import statement
from statemachine.vocabulary import State


@dataclass(frozen=True, slots=True)
class Webhook:
    """A verified message. `token` is that of an attempt, or None where the address carried none."""

    webhook_id: str
    token: UUID | None
    prediction_id: str
    has_ended: bool


@dataclass(frozen=True, slots=True)
class DueJob:
    """A job that has become due, and the state in which it waits."""

    id: UUID
    state: State


def take_webhook(conn: Connection, webhook: Webhook) -> DueJob | None:
    """Note what a webhook says, and return the job that is due because of it.

    The same message taken twice changes nothing, nor does one whose token is not ours.
    """
    if webhook.token is not None:
        conn.execute(statement("lock_webhook_job"), {"token": webhook.token})
    given = {name: getattr(webhook, name) for name in Webhook.__dataclass_fields__}
    row = conn.execute(statement("take_webhook"), given).one_or_none()
    return None if row is None else DueJob(row.id, State(row.state))
