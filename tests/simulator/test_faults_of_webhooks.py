"""The faults of webhooks: lost, duplicated, late, out of order, and signed with another key."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.simulator.clients import Api
from tests.simulator.conftest import Start
from tests.support.eventually import eventually
from tests.support.receiver import Receiver


def test_omit_webhook_hides_it_everywhere_but_still_sends(api: Api, receiver: Receiver) -> None:
    api.fault("omit_webhook")
    body = api.finished(webhook=f"{receiver.url}?token=t")
    receiver.wait_for(2)
    assert "webhook" not in body
    assert "webhook" not in api.get("/predictions").json()["results"][0]
    assert list(api.bill()["by_token"]) == ["t"]


def test_lose_webhook_sends_nothing_for_the_event(api: Api, receiver: Receiver) -> None:
    api.fault("lose_webhook", {"events": ["completed"]})
    api.finished(webhook=receiver.url)
    eventually(lambda: api.control("GET", "/counters")["webhooks"].get("lost"))
    receiver.wait_for(1)
    assert receiver.statuses == ["processing"]


def test_duplicate_webhook_has_the_same_id(api: Api, receiver: Receiver) -> None:
    api.fault("duplicate_webhook", {"events": ["completed"], "copies": 2})
    api.created(webhook=receiver.url, webhook_events_filter=["completed"])
    requests = receiver.wait_for(3)
    assert len({request.headers["webhook-id"] for request in requests}) == 1


def test_reorder_webhooks_sends_the_end_first(api: Api, receiver: Receiver) -> None:
    api.fault("reorder_webhooks")
    api.created(webhook=receiver.url, webhook_events_filter=["start", "completed"])
    receiver.wait_for(2)
    assert receiver.statuses == ["succeeded", "processing"]


def test_delay_webhook_sends_late(start: Start, receiver: Receiver) -> None:
    api = start()
    api.fault("delay_webhook", {"seconds": 60, "events": ["completed"]})
    api.finished(webhook=receiver.url, webhook_events_filter=["completed"])
    eventually(lambda: api.control("GET", "/webhooks")["webhooks"])
    assert receiver.requests == []
    api.control("POST", "/clock", {"advance_s": 61})
    receiver.wait_for(1)


def test_unsigned_webhook_has_no_signature(api: Api, receiver: Receiver) -> None:
    api.fault("unsigned_webhook")
    api.created(webhook=receiver.url)
    assert not any(name.startswith("webhook-") for name in receiver.wait_for(1)[0].headers)


def test_forge_webhook_is_signed_with_another_key(api: Api, receiver: Receiver) -> None:
    api.fault("forge_webhook")
    api.created(webhook=receiver.url)
    request = receiver.wait_for(1)[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(api.background.settings.webhook_secret).verify(request.body, request.headers)


def test_backdate_webhook_is_signed_with_the_right_key_and_too_old(api: Api, receiver: Receiver) -> None:
    api.fault("backdate_webhook")
    api.created(webhook=receiver.url)
    (request,) = receiver.wait_for(1)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(api.background.settings.webhook_secret).verify(request.body, request.headers)
    at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    signature = Webhook(api.background.settings.webhook_secret).sign(
        request.headers["webhook-id"], at, request.body.decode()
    )
    assert request.headers["webhook-signature"] == signature
