"""Webhooks: their events, signatures and retries."""

from __future__ import annotations

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.simulator.clients import IMAGE, Api
from tests.simulator.conftest import Start
from tests.support.eventually import eventually
from tests.support.receiver import Receiver

ALL = ["start", "output", "logs", "completed"]


def verify(api: Api, receiver: Receiver) -> None:
    """Raise unless everything that arrived is signed with the account's key."""
    key = api.get("/webhooks/default/secret").json()["key"]
    for request in receiver.requests:
        Webhook(key).verify(request.body, request.headers)


def test_outputs_and_the_end_are_sent_by_default(api: Api, receiver: Receiver) -> None:
    prediction_id = api.created(webhook=receiver.url)["id"]
    output, completed = (request.prediction for request in receiver.wait_for(2))
    assert (output["status"], len(output["output"])) == ("processing", 1)
    assert completed == api.until(prediction_id)
    assert completed["webhook"] == receiver.url


def test_webhooks_verify_with_the_accounts_key_and_no_other(api: Api, receiver: Receiver) -> None:
    api.created(webhook=receiver.url)
    first, second = receiver.wait_for(2)
    verify(api, receiver)
    assert first.headers["webhook-id"] != second.headers["webhook-id"]
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_AAAA").verify(first.body, first.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(api.background.settings.webhook_secret).verify(first.body + b" ", first.headers)


@pytest.mark.parametrize(
    ("events", "statuses"),
    [
        (["start"], ["processing"]),
        (["completed"], ["succeeded"]),
        (["start", "completed"], ["processing", "succeeded"]),
    ],
)
def test_only_events_of_the_filter_are_sent(
    api: Api, receiver: Receiver, events: list[str], statuses: list[str]
) -> None:
    body = api.finished(webhook=receiver.url, webhook_events_filter=events)
    receiver.wait_for(len(statuses))
    assert receiver.statuses == statuses
    assert body["webhook_events_filter"] == events


def test_events_arrive_in_the_order_of_the_lifecycle(start: Start, receiver: Receiver) -> None:
    api = start()
    api.finished(webhook=receiver.url, webhook_events_filter=ALL)
    eventually(lambda: "succeeded" in receiver.statuses)
    assert receiver.statuses[0] == "processing"
    assert receiver.statuses[-1] == "succeeded"
    assert api.control("GET", "/webhooks")["webhooks"][0]["event"] == "start"


def test_an_event_waits_for_the_response_to_the_one_before_it(start: Start, receiver: Receiver) -> None:
    api = start()
    receiver.may_respond.clear()
    api.finished(webhook=receiver.url, webhook_events_filter=["start", "completed"])
    receiver.wait_for(1)
    assert len(api.control("GET", "/webhooks")["webhooks"]) == 2
    assert receiver.statuses == ["processing"]
    receiver.may_respond.set()
    receiver.wait_for(2)


def test_outputs_and_logs_are_sent_at_most_every_half_second(start: Start, receiver: Receiver) -> None:
    # At this speed the half second is five.
    api = start(speed=0.1)
    api.fault("slow_run", {"factor": 0.0001})
    prediction_id = api.created(webhook=receiver.url, webhook_events_filter=ALL)["id"]
    api.control("POST", "/clock", {"advance_s": 21})
    eventually(lambda: api.prediction(prediction_id)["output"])
    api.control("POST", "/clock", {"advance_s": 21})
    eventually(lambda: "succeeded" in receiver.statuses)
    events = [message["event"] for message in api.control("GET", "/webhooks")["webhooks"]]
    # The second log line and the output follow the first log line before they are over.
    assert events == ["start", "logs", "completed"]


def test_canceled_predictions_send_webhooks_too(start: Start, receiver: Receiver) -> None:
    api = start(speed=1.0)
    prediction_id = api.created(webhook=receiver.url)["id"]
    api.post(f"/predictions/{prediction_id}/cancel")
    (request,) = receiver.wait_for(1)
    assert request.prediction["status"] == "canceled"


def test_final_webhook_is_sent_again_with_the_same_id_until_it_is_accepted(api: Api, receiver: Receiver) -> None:
    receiver.next_statuses += [500, 404]
    api.created(webhook=receiver.url, webhook_events_filter=["completed"])
    requests = receiver.wait_for(3)
    assert len({request.headers["webhook-id"] for request in requests}) == 1
    verify(api, receiver)
    message = eventually(
        lambda: found if len((found := api.control("GET", "/webhooks")["webhooks"][0])["attempts"]) == 3 else None
    )
    assert message["attempts"] == [500, 404, 200]


def test_final_webhook_is_given_up_after_a_minute(api: Api) -> None:
    api.created(webhook="http://127.0.0.1:9/nowhere", webhook_events_filter=["completed"])
    eventually(lambda: api.control("GET", "/counters")["webhooks"].get("given_up"))
    (message,) = api.control("GET", "/webhooks")["webhooks"]
    assert message["attempts"] == ["ConnectError"] * 6


def test_earlier_events_are_never_sent_again(api: Api, receiver: Receiver) -> None:
    receiver.next_statuses += [500]
    api.created(webhook=receiver.url, webhook_events_filter=["start", "completed"])
    receiver.wait_for(2)
    assert receiver.statuses == ["processing", "succeeded"]


def test_redirects_are_not_followed_and_not_retried(api: Api, receiver: Receiver) -> None:
    receiver.next_statuses += [301]
    api.created(webhook=receiver.url, webhook_events_filter=["completed"])
    eventually(lambda: api.control("GET", "/counters")["webhooks"].get("redirected"))
    assert [request.path for request in receiver.requests] == ["/hook"]


def test_instant_predictions_send_their_webhook(start: Start, receiver: Receiver) -> None:
    api = start(instant=True)
    body = api.created(IMAGE, webhook=receiver.url, webhook_events_filter=["completed"])
    (request,) = receiver.wait_for(1)
    assert request.prediction == body


def test_signature_stays_current_when_the_clock_is_moved(start: Start, receiver: Receiver) -> None:
    api = start(instant=True)
    api.control("POST", "/clock", {"advance_s": 86_400})
    api.created(webhook=receiver.url, webhook_events_filter=["completed"])
    receiver.wait_for(1)
    verify(api, receiver)
