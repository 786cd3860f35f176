"""Signed webhooks of the provider, sent to a server, and the rows that they affect."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from standardwebhooks import Webhook

from db.ids import new_id
from statemachine.vocabulary import State
from tests.support.factories import make_job, make_world
from tests.support.serving import Server

KEY = "whsec_dGhlLWtleS10aGF0LXdhcy1hZ3JlZWQ="
OTHER_KEY = "whsec_bm90LXRoZS1rZXktdGhhdC13YXMtYWdyZWVk"
FAR = timedelta(hours=1)
OUTPUT = "https://replicate.delivery/out.png"


def body_of(prediction_id: str, status: str = "succeeded") -> bytes:
    record: dict[str, object] = {"id": prediction_id, "status": status, "output": None}
    if status == "succeeded":
        record["output"] = OUTPUT
    return json.dumps(record).encode()


def signed(body: bytes, key: str = KEY, webhook_id: str | None = None, at: datetime | None = None) -> dict[str, str]:
    webhook_id, at = webhook_id or f"msg_{new_id()}", at or datetime.now(UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(key).sign(webhook_id, at, body.decode()),
    }


def send(server: Server, token: object, body: bytes, headers: dict[str, str] | None = None) -> int:
    url = f"{server.url}/webhooks/replicate?token={token}"
    return server.http.post(url, content=body, headers=signed(body) if headers is None else headers).status_code


def job_in(server: Server, state: State) -> Any:
    """Return a job that is due in an hour, with its attempt's token."""
    with server.engine.begin() as conn:
        job_id = make_job(conn, make_world(conn), state)
        conn.execute(
            text("UPDATE jobs SET due_at = diorama_now() + :far WHERE id = :id AND finished_at IS NULL"),
            {"far": FAR, "id": job_id},
        )
    return row(server, job_id)


def row(server: Server, job_id: UUID) -> Any:
    query = (
        "SELECT j.*, a.token, a.status, a.prediction_id, a.noted_prediction_id, a.sighting, "
        "j.due_at <= diorama_now() AS is_due FROM jobs j JOIN attempts a ON a.job_id = j.id WHERE j.id = :id"
    )
    with server.engine.connect() as conn:
        return conn.execute(text(query), {"id": job_id}).one()


def effects_of(server: Server, prediction_id: str) -> list[str]:
    with server.engine.connect() as conn:
        query = "SELECT effect FROM provider_webhooks WHERE prediction_id = :id ORDER BY received_at"
        return list(conn.scalars(text(query), {"id": prediction_id}))
