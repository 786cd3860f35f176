"""Requests by an API key on behalf of a user: they are the user's, as if made in a session."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from db.records.ledger import WalletKey
from db.records.suspensions import suspend
from schema.ids import IdKind, decode_id
from tests.schema.credits import balance, selfie
from tests.schema.documents import CREATE_AVATAR, make_avatar, make_story, new_key
from tests.support.partners import TO_OUTAGE, TO_SUCCESS, Partner, move
from tests.support.serving import Caller

# Every mutation that makes something, with the least that it needs.
INPUTS: dict[str, dict[str, Any]] = {
    "createStory": {"selfieId": "selfie", "theme": "neon-city", "idempotencyKey": "key"},
    "createAvatar": {"selfieId": "selfie", "idempotencyKey": "key"},
    "createScene": {"avatarId": "avatar", "theme": "neon-city", "idempotencyKey": "key"},
    "createAnimation": {"sceneId": "scene", "idempotencyKey": "key"},
    "createBatch": {"scenes": [{"avatarId": "avatar", "theme": "neon-city"}], "idempotencyKey": "key"},
    "createUpload": {"contentType": "image/png"},
    "importAsset": {"url": "http://192.0.2.1/ada.jpg", "idempotencyKey": "key"},
}
EVERY = pytest.mark.parametrize("mutation", INPUTS)
REQUESTS = pytest.mark.parametrize("mutation", [each for each in INPUTS if each not in ("createUpload", "importAsset")])
OWN_JOBS = "{ jobs(first: 50) { edges { node { id session { userRef hasToken } } } } }"
OWNERS = "SELECT count(*) FROM {table} t JOIN sessions s ON s.id = t.session_id WHERE s.user_ref = :ref"
DELETE = """
mutation { deleteUser(input: {userRef: "ada"}) { userErrors { code } } }
"""


def send(caller: Caller, mutation: str, **more: Any) -> Any:
    """Send a mutation, with new pictures of the account in place of the words."""
    document = f"""
    mutation ($input: {mutation[0].upper()}{mutation[1:]}Input!) {{
      {mutation}(input: $input) {{ userErrors {{ code path }} }}
    }}
    """
    return caller.post(document, {"input": INPUTS[mutation] | more}).json()


def pictures(mutation: str, make: Any) -> dict[str, Any]:
    """Return the input's pictures, made by `make`."""
    found = {name: make(word) for name, word in INPUTS[mutation].items() if word in ("selfie", "avatar", "scene")}
    if mutation == "createBatch":
        found["scenes"] = [{"avatarId": make("avatar"), "theme": "neon-city"}]
    return found


def errors_of(body: Any, mutation: str) -> list[Any]:
    assert "errors" not in body, body
    found: list[Any] = body["data"][mutation]["userErrors"]
    return found


def owned(acme: Partner, table: str, ref: str) -> int:
    with acme.server.engine.connect() as conn:
        query = text(OWNERS.format(table=table) + " AND t.account_id = :account")
        return int(conn.scalar(query, {"ref": ref, "account": acme.principal.account_id}) or 0)


@REQUESTS
def test_what_a_key_requests_for_a_user_is_the_users(acme: Partner, mutation: str) -> None:
    ada = acme.user("ada", credits=50)
    before = acme.ask("{ viewer { credits { available } } }")
    body = send(acme, mutation, **pictures(mutation, acme.asset), onBehalfOf="ada")
    assert errors_of(body, mutation) == []
    found = [edge["node"] for edge in ada.ask(OWN_JOBS)["jobs"]["edges"]]
    assert len(found) == (3 if mutation == "createStory" else 1)
    assert {str(each["session"]) for each in found} == {str({"userRef": "ada", "hasToken": False})}
    assert owned(acme, "stories", "ada") == (1 if mutation == "createStory" else 0)
    available, reserved = balance(ada)
    assert (available + reserved, reserved > 0) == (50, True)
    assert acme.ask("{ viewer { credits { available } } }") == before
    assert acme.user("bob").ask(OWN_JOBS)["jobs"]["edges"] == []


def test_an_upload_for_a_user_is_the_users(acme: Partner) -> None:
    """So that it goes with the user: a selfie of the account itself would stay."""
    assert errors_of(send(acme, "createUpload", onBehalfOf="ada"), "createUpload") == []
    send(acme, "importAsset", onBehalfOf="ada")
    assert owned(acme, "assets", "ada") == 2


@EVERY
def test_a_session_acts_for_its_own_user_only(acme: Partner, mutation: str) -> None:
    body = send(acme.user("ada"), mutation, **pictures(mutation, acme.asset), onBehalfOf="ada")
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert "onBehalfOf" in body["errors"][0]["message"]


@EVERY
@pytest.mark.parametrize("ref", ["", "x" * 201])
def test_a_reference_has_bounds(acme: Partner, mutation: str, ref: str) -> None:
    body = send(acme, mutation, **pictures(mutation, acme.asset), onBehalfOf=ref)
    assert errors_of(body, mutation) == [{"code": "INVALID", "path": ["input", "onBehalfOf"]}]


@EVERY
def test_a_suspended_user_is_refused(acme: Partner, mutation: str) -> None:
    acme.user("ada")
    with acme.server.engine.begin() as conn:
        suspend(conn, WalletKey(acme.principal.account_id, "ada"), by="support:eve", reason="spam")
    body = send(acme, mutation, **pictures(mutation, acme.asset), onBehalfOf="ada")
    assert errors_of(body, mutation) == [{"code": "SUSPENDED", "path": ["input", "onBehalfOf"]}]
    assert owned(acme, "jobs", "ada") == 0


@REQUESTS
def test_the_users_own_pictures_may_be_used_and_those_of_others_do_not_exist(acme: Partner, mutation: str) -> None:
    def of(user: Caller) -> Any:
        session = user.ask("{ viewer { session { id } } }")["viewer"]["session"]["id"]
        return lambda kind: acme.asset(kind, session_id=decode_id(session, IdKind.SESSION))

    ada, bob = acme.user("ada"), acme.user("bob")
    refused = errors_of(send(acme, mutation, **pictures(mutation, of(bob)), onBehalfOf="ada"), mutation)
    assert [each["code"] for each in refused] == ["NOT_FOUND"]
    assert errors_of(send(acme, mutation, **pictures(mutation, of(ada)), onBehalfOf="ada"), mutation) == []


def test_another_accounts_user_of_the_same_name_is_somebody_else(acme: Partner, rival: Partner) -> None:
    theirs = rival.user("ada")
    acme.user("ada")
    make_avatar(acme, acme.asset(), onBehalfOf="ada")
    assert theirs.ask(OWN_JOBS)["jobs"]["edges"] == []
    given = {"selfieId": selfie(rival, theirs), "idempotencyKey": new_key(), "onBehalfOf": "ada"}
    refused = acme.ask(CREATE_AVATAR, input=given)["createAvatar"]["userErrors"]
    assert [each["code"] for each in refused] == ["NOT_FOUND"]


def test_a_user_without_credits_is_not_served_from_the_accounts(acme: Partner) -> None:
    given = {"selfieId": acme.asset(), "idempotencyKey": new_key(), "onBehalfOf": "penniless"}
    refused = acme.ask(CREATE_AVATAR, input=given)["createAvatar"]["userErrors"]
    assert [each["code"] for each in refused] == ["INSUFFICIENT_CREDITS"]


def test_idempotency_keys_are_the_users(acme: Partner) -> None:
    for ref in ("ada", "bob"):
        acme.user(ref)
    picture, key = acme.asset(), new_key()
    made = [make_avatar(acme, picture, idempotencyKey=key, onBehalfOf=ref) for ref in ("ada", "bob", "ada", None)]
    assert made[0] == made[2]
    assert len(set(made)) == 3


def test_the_feed_and_the_lists_name_the_user(acme: Partner) -> None:
    acme.user("ada")
    story = make_story(acme, acme.asset(), onBehalfOf="ada")
    make_avatar(acme, acme.asset())
    query = """
    {
      jobs(first: 9, filter: {userRef: "ada"}) { edges { node { id } } }
      stories(first: 9, filter: {userRef: "ada"}) { edges { node { id } } }
      creditEntries(first: 9, filter: {userRef: "ada"}) { edges { node { kind job { id } } } }
      sessions(first: 9, filter: {userRef: "ada"}) {
        edges { node { hasToken jobs(first: 9) { edges { node { id } } } } }
      }
    }
    """
    found = acme.ask(query)
    ids = {story[kind]["id"] for kind in ("avatar", "scene", "animation")}
    assert {edge["node"]["id"] for edge in found["jobs"]["edges"]} == ids
    assert [edge["node"]["id"] for edge in found["stories"]["edges"]] == [story["id"]]
    reserved = {edge["node"]["job"]["id"] for edge in found["creditEntries"]["edges"] if edge["node"]["kind"] == "HOLD"}
    assert reserved == ids
    sessions = {edge["node"]["hasToken"]: len(edge["node"]["jobs"]["edges"]) for edge in found["sessions"]["edges"]}
    assert sessions == {True: 0, False: 3}


def test_a_retry_is_paid_by_the_user(acme: Partner) -> None:
    ada = acme.user("ada")
    job_id = make_avatar(acme, acme.asset(), onBehalfOf="ada")
    move(acme.server.engine, job_id, *TO_OUTAGE)
    retry = """
    mutation ($id: ID!, $key: String!) {
      retryJob(input: {jobId: $id, idempotencyKey: $key}) { revived userErrors { code } }
    }
    """
    before = balance(ada)
    assert acme.ask(retry, id=job_id, key=new_key())["retryJob"] == {"revived": [job_id], "userErrors": []}
    assert balance(ada)[1] > before[1]


def test_it_goes_with_the_user(acme: Partner) -> None:
    acme.user("ada")
    done = make_avatar(acme, acme.asset(), onBehalfOf="ada")
    move(acme.server.engine, done, *TO_SUCCESS)
    running = make_avatar(acme, acme.asset(), onBehalfOf="ada")
    send(acme, "createUpload", onBehalfOf="ada")
    assert acme.ask(DELETE)["deleteUser"] == {"userErrors": []}
    assert acme.ask("query ($id: ID!) { job(id: $id) { state } }", id=running)["job"]["state"] == "COMPENSATING"
    states = "SELECT DISTINCT a.state FROM assets a WHERE a.account_id = :account AND a.session_id IS NOT NULL"
    with acme.server.engine.connect() as conn:
        assert set(conn.scalars(text(states), {"account": acme.principal.account_id})) == {"deleted"}
    # The name is free again, for somebody without a past.
    acme.user("ada")
    make_avatar(acme, acme.asset(), onBehalfOf="ada")
    assert owned(acme, "jobs", "ada") == 1


def test_the_first_requests_for_a_user_share_one_session(acme: Partner) -> None:
    ref = f"user-{uuid4()}"
    acme.user(ref)
    picture = acme.asset()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: make_avatar(acme, picture, onBehalfOf=ref), range(8)))
    count = "SELECT count(*) FROM sessions WHERE user_ref = :ref AND token_sha256 IS NULL"
    with acme.server.engine.connect() as conn:
        assert conn.scalar(text(count), {"ref": ref}) == 1
    assert owned(acme, "jobs", ref) == 8
