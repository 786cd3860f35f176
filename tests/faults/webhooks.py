"""Webhooks signed with the provider's key, delivered to the code behind the route in any order and number."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

import standardwebhooks
from sqlalchemy import Engine

from db.engine.provider_webhooks import DueJob
from jobs.tracking.provider_webhooks import SigningKey, read_webhook, take
from tests.support.fakes import FakeProvider

KEY = "whsec_dGhlLWtleS10aGF0LXdhcy1hZ3JlZWQ="
_numbers = count()


class Message:
    """One webhook, which may be delivered more than once. `status` is the prediction's status in it."""

    def __init__(self, token: UUID, prediction_id: str, status: str) -> None:
        self._address_token = str(token)
        self._webhook_id = f"msg_{next(_numbers)}_{prediction_id}"
        self._body = json.dumps({"id": prediction_id, "status": status, "output": None}).encode()

    def deliver(self, engine: Engine, *, signed_with: str = KEY) -> DueJob | None:
        """Verify and store it, as the route does. Raises NotVerified if another key signed it."""
        at = datetime.now(UTC)
        headers = {
            "webhook-id": self._webhook_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": standardwebhooks.Webhook(signed_with).sign(self._webhook_id, at, self._body.decode()),
        }
        webhook = read_webhook(SigningKey(KEY), self._body, headers, self._address_token)
        with engine.begin() as conn:
            return take(conn, webhook)


def messages_of(provider: FakeProvider, prediction_id: str) -> list[Message]:
    """Return the webhooks of a prediction: one for its start and, if it has ended, one for its end."""
    booked = provider.booked[prediction_id]
    messages = [Message(booked.token, prediction_id, "starting")]
    if not booked.prediction.is_running:
        messages.append(Message(booked.token, prediction_id, booked.prediction.status))
    return messages
