"""Messages to partners: the JSON that says what happened, and the headers that sign it (Standard Webhooks)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from standardwebhooks import Webhook

from db.engine.webhook_claims import ActivityFacts
from db.ids import new_id
from db.public_ids import IdKind, encode_id
from statemachine.vocabulary import State, WebhookEventType

TEST_TYPE = "webhook.test"

CursorOf = Callable[[UUID, int], str]
"""Returns the cursor after a position of an account's activity, as the API writes it."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `webhook_id` stays the same in each attempt and in a redelivery; `position` is None for a test."""

    webhook_id: str
    type: str
    position: int | None
    body: str

    def headers(self, secrets: Sequence[str], now: datetime) -> dict[str, str]:
        """Return the headers of an attempt now, with a signature for each secret."""
        signatures = [Webhook(secret).sign(self.webhook_id, now, self.body) for secret in secrets]
        return {
            "content-type": "application/json",
            "webhook-id": self.webhook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }


def message_of(entry: ActivityFacts, account_id: UUID, cursor_of: CursorOf) -> Message:
    """Return the message about an entry of an account's activity."""
    data = _data(entry)
    return _message(
        _id(entry, account_id), entry.type.dotted, entry.position, entry.at, cursor_of(account_id, entry.position), data
    )


def test_message(endpoint_id: UUID, now: datetime) -> Message:
    """Return a message that says nothing but that an endpoint works."""
    data = {"endpointId": encode_id(IdKind.WEBHOOK_ENDPOINT, endpoint_id)}
    return _message(f"test_{new_id().hex}", TEST_TYPE, None, now, None, data)


def _message(
    webhook_id: str, type_: str, position: int | None, at: datetime, cursor: str | None, data: dict[str, Any]
) -> Message:
    body = {"type": type_, "timestamp": _time(at), "cursor": cursor, "data": data}
    return Message(webhook_id, type_, position, json.dumps(body, ensure_ascii=False, separators=(",", ":")))


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _id(entry: ActivityFacts, account_id: UUID) -> str:
    """Return an id that no other entry of any account has: a story may end again after a retry."""
    if entry.job_id is not None:
        return f"{encode_id(IdKind.JOB, entry.job_id)}_{entry.seq}"
    if entry.endpoint_id is not None:
        return f"{encode_id(IdKind.WEBHOOK_ENDPOINT, entry.endpoint_id)}_{entry.position}"
    if entry.story_id is not None:
        return f"{encode_id(IdKind.STORY, entry.story_id)}_{entry.position}"
    return f"{encode_id(IdKind.ACCOUNT, account_id)}_{entry.position}"


def _data(entry: ActivityFacts) -> dict[str, Any]:
    if entry.job_id is not None:
        return _job(entry)
    if entry.type is WebhookEventType.BALANCE_LOW:
        return {"available": entry.available, "mark": entry.low_balance_mark}
    return _story(entry) if entry.endpoint_id is None else _endpoint(entry)


def _endpoint(entry: ActivityFacts) -> dict[str, Any]:
    reason = entry.disabled_reason
    return {
        "endpointId": _public(IdKind.WEBHOOK_ENDPOINT, entry.endpoint_id),
        "url": entry.endpoint_url,
        "disabledReason": reason and reason.name,
    }


def _job(entry: ActivityFacts) -> dict[str, Any]:
    is_succeeded = entry.state is State.SUCCEEDED
    return {
        "jobId": _public(IdKind.JOB, entry.job_id),
        "storyId": _public(IdKind.STORY, entry.story_id),
        "userRef": entry.user_ref,
        "kind": entry.kind and entry.kind.name,
        "seq": entry.seq,
        "event": entry.event and entry.event.name,
        "state": entry.state and entry.state.name,
        "percent": entry.percent,
        "outputId": _public(IdKind.ASSET, entry.output_id) if is_succeeded else None,
        "error": _error(entry),
        "metadata": entry.metadata,
    }


def _story(entry: ActivityFacts) -> dict[str, Any]:
    return {
        "storyId": _public(IdKind.STORY, entry.story_id),
        "userRef": entry.user_ref,
        "state": entry.state and entry.state.name,
        "metadata": entry.metadata,
    }


def _error(entry: ActivityFacts) -> dict[str, Any] | None:
    code = entry.error_code
    if code is None:
        return None
    return {"code": code.name, "message": entry.error_message, "retryable": code.is_retryable}


def _public(kind: IdKind, value: UUID | None) -> str | None:
    return None if value is None else encode_id(kind, value)
