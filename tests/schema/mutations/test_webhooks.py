"""Accounts manage their webhook endpoints; secrets are shown once, and messages are signed with each that is valid."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook, WebhookVerificationError

from db.engine.activity import sequence
from jobs.webhooks.endpoints import ENDPOINTS_PER_ACCOUNT_MAX, SECRETS_MAX
from jobs.webhooks.reach import WebhookReach
from jobs.webhooks.sender import WebhookSender
from schema.cursors import activity_cursor
from schema.ids import IdKind, decode_id
from statemachine.vocabulary import KeyScope
from tests.schema.documents import CREATE_AVATAR, new_key
from tests.schema.mutations.test_api_keys import created as created_key
from tests.support.partners import Partner
from tests.support.receiver import Received, Receiver
from tests.support.serving import Caller, Server, serving

ENDPOINT = """endpoint {
  id url description eventTypes state disabledReason disabledAt cursor failures failingSince nextAttemptAt lastSuccessAt
  lastFailureAt createdAt
}"""
ERRORS = "userErrors { code message path }"
DELIVERY = "id endpointId webhookId type cursor attempt at durationMs responseStatus failure"
URL = "https://acme.example/hook"


def change(name: str, fields: str = ENDPOINT) -> str:
    """Return the document of a mutation."""
    kind = name[0].upper() + name[1:] + "Input"
    return f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ {fields} {ERRORS} }} }}"


CREATE = change("createWebhookEndpoint", f"secret {ENDPOINT}")
UPDATE = change("updateWebhookEndpoint")
ROTATE = change("rotateWebhookSecret", f"secret {ENDPOINT}")
DISABLE = change("disableWebhookEndpoint")
ENABLE = change("enableWebhookEndpoint")
DELETE = change("deleteWebhookEndpoint")
REDELIVER = change("redeliverWebhook")
TEST = change("sendTestWebhook", f"delivery {{ {DELIVERY} }}")
LIST = "{ webhookEndpoints(first: 100) { edges { node { id url state cursor } } } }"
LOG = f"query ($id: ID) {{ webhookDeliveries(first: 50, endpointId: $id) {{ edges {{ node {{ {DELIVERY} }} }} }} }}"


def done(caller: Caller, document: str, **given: Any) -> dict[str, Any]:
    """Return the payload of a mutation that refuses nothing."""
    (payload,) = caller.ask(document, input=given).values()
    assert payload["userErrors"] == []
    return dict(payload)


def refused(caller: Caller, document: str, **given: Any) -> dict[str, Any]:
    """Return the only user error of a mutation."""
    (payload,) = caller.ask(document, input=given).values()
    (error,) = payload["userErrors"]
    return dict(error)


def created(caller: Caller, url: str = URL, *types: str) -> tuple[dict[str, Any], str]:
    """Create an endpoint; return it and its secret."""
    payload = done(caller, CREATE, url=url, eventTypes=list(types or ["JOB_SUCCEEDED"]), description="our queue")
    return payload["endpoint"], payload["secret"]


def nodes(caller: Caller, document: str, **given: Any) -> list[dict[str, Any]]:
    (connection,) = caller.ask(document, **given).values()
    return [edge["node"] for edge in connection["edges"]]


@pytest.fixture(scope="module")
def local_server(api_database: str) -> Iterator[Server]:
    """Yield an API whose operator lets webhooks go to this machine."""
    with serving(api_database, webhook_sender=WebhookSender(WebhookReach.of(["127.0.0.0/8"]))) as running:
        yield running


@pytest.fixture
def here(local_server: Server, acme: Partner) -> Caller:
    """Return the partner before that API."""
    return Caller(local_server, acme.secret)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def verified(received: Received, secret: str) -> Any:
    """Return the message, verified by the official library."""
    return Webhook(secret).verify(received.body, received.headers)


def test_a_created_endpoint_is_listed_without_its_secret(acme: Partner) -> None:
    endpoint, secret = created(acme)
    assert secret.startswith("whsec_")
    assert (endpoint["url"], endpoint["eventTypes"], endpoint["description"]) == (URL, ["JOB_SUCCEEDED"], "our queue")
    assert (endpoint["state"], endpoint["failures"], endpoint["lastSuccessAt"]) == ("ENABLED", 0, None)
    assert [each["id"] for each in nodes(acme, LIST)] == [endpoint["id"]]
    assert secret[6:] not in str(acme.ask(LIST)) + str(nodes(acme, LOG))
    assert acme.ask("query ($id: ID!) { node(id: $id) { id } }", id=endpoint["id"])["node"] == {"id": endpoint["id"]}


@pytest.mark.parametrize(
    "url",
    [
        *("", "acme.example", "http://acme.example/", "ftp://acme.example/", "https://u:p@acme.example/"),
        *("https://acme.example:22/", "https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3/hook", "https:///x"),
        "https://acme.example/" + "a" * 2048,
    ],
)
def test_another_address_is_refused(acme: Partner, url: str) -> None:
    error = refused(acme, CREATE, url=url, eventTypes=["JOB_FAILED"])
    assert (error["code"], error["path"]) == ("INVALID", ["input", "url"])
    endpoint, _ = created(acme)
    assert refused(acme, UPDATE, id=endpoint["id"], url=url)["path"] == ["input", "url"]


def test_the_other_fields_are_bounded(acme: Partner) -> None:
    assert refused(acme, CREATE, url=URL, eventTypes=[])["path"] == ["input", "eventTypes"]
    long = {"url": URL, "eventTypes": ["JOB_FAILED"], "description": "d" * 201}
    assert refused(acme, CREATE, **long)["path"] == ["input", "description"]
    endpoint, _ = created(acme)
    for overlap in (-1, 2_592_001):
        error = refused(acme, ROTATE, id=endpoint["id"], overlapSeconds=overlap)
        assert error["path"] == ["input", "overlapSeconds"]


def test_an_endpoint_is_changed_disabled_and_enabled(acme: Partner) -> None:
    endpoint, _ = created(acme)
    changed = done(acme, UPDATE, id=endpoint["id"], eventTypes=["STORY_FAILED", "JOB_FAILED", "JOB_FAILED"])["endpoint"]
    assert changed == {**endpoint, "eventTypes": ["JOB_FAILED", "STORY_FAILED"]}
    assert done(acme, UPDATE, id=endpoint["id"], url=URL + "2", description="")["endpoint"]["url"] == URL + "2"
    stopped = done(acme, DISABLE, id=endpoint["id"])["endpoint"]
    assert (stopped["state"], stopped["disabledReason"]) == ("DISABLED", "REQUESTED")
    assert done(acme, DISABLE, id=endpoint["id"])["endpoint"] == stopped
    resumed = done(acme, ENABLE, id=endpoint["id"])["endpoint"]
    assert (resumed["state"], resumed["disabledReason"], resumed["disabledAt"]) == ("ENABLED", None, None)
    assert done(acme, DELETE, id=endpoint["id"])["endpoint"]["id"] == endpoint["id"]
    assert nodes(acme, LIST) == []


def test_a_test_message_is_verified_and_logged(here: Caller, receiver: Receiver) -> None:
    endpoint, secret = created(here, receiver.url)
    delivery = done(here, TEST, id=endpoint["id"])["delivery"]
    [received] = receiver.wait_for(1)
    message = verified(received, secret)
    assert (message["type"], message["data"]) == ("webhook.test", {"endpointId": endpoint["id"]})
    assert (delivery["responseStatus"], delivery["failure"], delivery["attempt"]) == (200, None, 1)
    assert delivery["webhookId"] == received.headers["webhook-id"]
    receiver.next_statuses.append(503)
    assert done(here, TEST, id=endpoint["id"])["delivery"]["failure"] == "BAD_STATUS"
    assert [each["responseStatus"] for each in nodes(here, LOG, id=endpoint["id"])] == [503, 200]
    # A test says nothing about the deliveries.
    assert nodes(here, LIST)[0]["state"] == "ENABLED"


def test_both_secrets_sign_until_the_overlap_ends(here: Caller, receiver: Receiver) -> None:
    endpoint, old = created(here, receiver.url)
    new = done(here, ROTATE, id=endpoint["id"], overlapSeconds=600)["secret"]
    done(here, TEST, id=endpoint["id"])
    [received] = receiver.wait_for(1)
    assert verified(received, old) == verified(received, new)
    # A second rotation may end the old ones sooner.
    newest = done(here, ROTATE, id=endpoint["id"], overlapSeconds=0)["secret"]
    done(here, TEST, id=endpoint["id"])
    received = receiver.wait_for(2)[-1]
    assert verified(received, newest)
    for gone in (old, new):
        with pytest.raises(WebhookVerificationError):
            verified(received, gone)


def test_the_secrets_of_an_endpoint_are_bounded(acme: Partner) -> None:
    endpoint, _ = created(acme)
    for _ in range(SECRETS_MAX - 1):
        done(acme, ROTATE, id=endpoint["id"])
    assert refused(acme, ROTATE, id=endpoint["id"])["path"] == ["input", "overlapSeconds"]
    assert done(acme, ROTATE, id=endpoint["id"], overlapSeconds=0)["secret"]


def test_an_unreachable_endpoint_fails_its_test(acme: Partner, here: Caller, receiver: Receiver) -> None:
    """The same endpoint is reached where the operator permits its network, and nowhere else."""
    endpoint, _ = created(here, receiver.url)
    delivery = done(acme, TEST, id=endpoint["id"])["delivery"]
    assert (delivery["failure"], delivery["responseStatus"], receiver.requests) == ("UNREACHABLE", None, [])


def test_two_endpoints_made_at_once_do_not_exceed_the_limit(acme: Partner) -> None:
    with acme.server.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO webhook_endpoints (id, account_id, url, description, event_types, position) "
                "SELECT gen_random_uuid(), :account, 'https://x.example', '', '{job_failed}', 0 "
                "FROM generate_series(1, :count)"
            ),
            {"account": acme.principal.account_id, "count": ENDPOINTS_PER_ACCOUNT_MAX - 1},
        )
    with ThreadPoolExecutor(4) as pool:
        wanted = {"url": URL, "eventTypes": ["JOB_FAILED"]}
        payloads = list(pool.map(lambda _: acme.ask(CREATE, input=wanted)["createWebhookEndpoint"], range(4)))
    assert sorted(len(payload["userErrors"]) for payload in payloads) == [0, 1, 1, 1]


def test_an_endpoint_goes_back_to_any_cursor_of_its_own_account(acme: Partner, rival: Partner) -> None:
    acme.ask(CREATE_AVATAR, input={"selfieId": acme.asset(), "idempotencyKey": new_key()})
    with acme.server.engine.begin() as conn:
        sequence(conn)
    account_id = acme.principal.account_id
    endpoint, _ = created(acme)
    beginning = activity_cursor(account_id, 0)
    # It began where the activity was.
    assert endpoint["cursor"] == activity_cursor(account_id, 1)
    moved = done(acme, REDELIVER, id=endpoint["id"], after=beginning)["endpoint"]
    assert moved["cursor"] == beginning
    for wrong in (activity_cursor(account_id, 2), activity_cursor(rival.principal.account_id, 0), "nonsense"):
        assert refused(acme, REDELIVER, id=endpoint["id"], after=wrong)["path"] == ["input", "after"]
    assert nodes(acme, LIST)[0]["cursor"] == beginning


def _naming(document: str, endpoint_id: str, stranger: Partner) -> dict[str, str]:
    if document is REDELIVER:
        return {"id": endpoint_id, "after": activity_cursor(stranger.principal.account_id, 0)}
    return {"id": endpoint_id}


@pytest.mark.parametrize("document", [CREATE, UPDATE, ROTATE, DISABLE, ENABLE, DELETE, TEST, REDELIVER])
def test_a_session_and_a_key_without_the_scope_manage_no_endpoints(acme: Partner, document: str) -> None:
    endpoint, _ = created(acme)
    new: dict[str, Any] = {"url": URL, "eventTypes": ["JOB_FAILED"]}
    given = new if document is CREATE else _naming(document, endpoint["id"], acme)
    others = [scope.name for scope in KeyScope if scope is not KeyScope.WEBHOOKS]
    for caller in (acme.user(), created_key(acme, *others)[0]):
        assert caller.fail(document, input=given)["extensions"]["code"] == "FORBIDDEN"
    assert nodes(acme, LIST)[0]["state"] == "ENABLED"


def test_a_session_sees_no_endpoints(acme: Partner) -> None:
    endpoint, _ = created(acme)
    ada = acme.user()
    for document in (LIST, LOG):
        assert ada.fail(document)["extensions"]["code"] == "FORBIDDEN"
    assert ada.ask("query ($id: ID!) { node(id: $id) { id } }", id=endpoint["id"])["node"] is None
    assert decode_id(endpoint["id"], IdKind.WEBHOOK_ENDPOINT)
