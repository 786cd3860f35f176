"""Test keys belong to a test account, which sees nothing of the live one and costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from websockets.exceptions import ConnectionClosed

from db.records.usage import set_limit
from schema.ids import IdKind, decode_id, encode_id
from schema.runtime import ApiSettings
from statemachine.vocabulary import UsageLimitName, UsageLimitOwner
from tests.schema.documents import make_avatar
from tests.support.databases import unique_name
from tests.support.partners import Partner, partner
from tests.support.serving import Caller, Server, Socket, raw_socket, serving

CREATE = """
mutation ($mode: ApiKeyMode) {
  createApiKey(input: {name: "tests", scopes: [REQUESTS, SESSIONS, CREDITS, KEYS], mode: $mode}) {
    apiKey { id mode } secret userErrors { code message path }
  }
}
"""
SESSION = 'mutation { createSession(input: {userRef: "ada"}) { token userErrors { code } } }'
AVATAR = """
mutation ($selfie: ID!, $key: String!) {
  createAvatar(input: {selfieId: $selfie, idempotencyKey: $key}) {
    job { id isTest credits { price held charged } } userErrors { code path }
  }
}
"""
KEYS = "{ apiKeys { id mode } }"
MODE = "{ viewer { mode } }"


@pytest.fixture(scope="module")
def testing(api_database: str) -> Iterator[Server]:
    """Yield a server with a test mode."""
    with serving(api_database, ApiSettings(has_test_mode=True)) as running:
        yield running


@pytest.fixture
def acme(testing: Server) -> Partner:
    return partner(testing, unique_name("acme"))


def created(caller: Caller, mode: str | None = "TEST") -> Any:
    return caller.ask(CREATE, mode=mode)["createApiKey"]


@pytest.fixture
def tester(acme: Partner) -> Partner:
    """Return the partner with a test key."""
    return Partner(acme.server, created(acme)["secret"], acme.account)


def test_a_test_key_and_its_sessions_are_visibly_so(acme: Partner, tester: Partner) -> None:
    assert str(tester.secret).startswith("dio_test_key_")
    token = tester.ask(SESSION)["createSession"]["token"]
    assert token.startswith("dio_test_ses_")
    for caller, mode in ((acme, "LIVE"), (tester, "TEST"), (Caller(acme.server, token), "TEST")):
        assert caller.ask(MODE) == {"viewer": {"mode": mode}}


def test_its_jobs_are_marked_and_cost_nothing(acme: Partner, tester: Partner) -> None:
    asked = tester.ask(AVATAR, selfie=tester.asset(), key="k")["createAvatar"]
    assert asked["job"]["isTest"] is True
    assert asked["job"]["credits"] == {"price": 0, "held": 0, "charged": 0}
    entries = "SELECT count(*) FROM ledger_entries WHERE job_id = :id"
    with acme.server.engine.connect() as conn:
        assert conn.scalar(text(entries), {"id": decode_id(asked["job"]["id"], IdKind.JOB)}) == 0


def test_its_jobs_count_toward_the_limit_of_the_test_account(acme: Partner, tester: Partner) -> None:
    with acme.server.engine.begin() as conn:
        test_account = tester.principal.account_id
        set_limit(conn, test_account, UsageLimitName.UNFINISHED_JOBS, UsageLimitOwner.ACCOUNT, 1)
    asked = [tester.ask(AVATAR, selfie=tester.asset(), key=key)["createAvatar"] for key in "kl"]
    assert [each["job"] is None for each in asked] == [False, True]
    assert asked[1]["userErrors"] == [{"code": "LIMIT_EXCEEDED", "path": ["input"]}]


def test_live_and_test_see_nothing_of_each_other(acme: Partner, tester: Partner) -> None:
    jobs = "query ($test: Boolean) { jobs(first: 9, filter: {isTest: $test}) { edges { node { id isTest } } } }"
    live, test = make_avatar(acme, acme.asset()), make_avatar(tester, tester.asset())
    for mine, other, own, foreign, is_test in ((acme, tester, live, test, False), (tester, acme, test, live, True)):
        [edge] = mine.ask(jobs)["jobs"]["edges"]
        assert edge["node"] == {"id": own, "isTest": is_test}
        assert mine.ask(jobs, test=not is_test)["jobs"]["edges"] == []
        assert mine.ask("query ($id: ID!) { job(id: $id) { id } }", id=foreign)["job"] is None
        refused = mine.ask(AVATAR, selfie=other.asset(), key="other")["createAvatar"]
        assert refused["userErrors"] == [{"code": "NOT_FOUND", "path": ["input", "selfieId"]}]


def test_support_tells_them_apart(acme: Partner, tester: Partner) -> None:
    support = partner(acme.server, unique_name("support"), role="admin")
    test = make_avatar(tester, tester.asset())
    asked = support.ask(
        "query ($id: ID!) { jobs(first: 1, filter: {isTest: true, ids: [$id]}) "
        "{ edges { node { isTest account { name isTest } } } } }",
        id=test,
    )["jobs"]["edges"][0]["node"]
    assert asked == {"isTest": True, "account": {"name": f"{acme.account} (test)", "isTest": True}}
    assert created(support)["userErrors"]


def test_a_live_key_manages_test_keys_and_not_the_other_way(acme: Partner, tester: Partner) -> None:
    [live, test] = acme.ask(KEYS)["apiKeys"]
    assert (live["mode"], test["mode"]) == ("LIVE", "TEST")
    assert tester.ask(KEYS)["apiKeys"] == [test]
    assert created(tester, "LIVE")["userErrors"][0]["path"] == ["input", "mode"]
    assert created(tester, "TEST")["apiKey"]["mode"] == "TEST"
    revoke = "mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { userErrors { code } } }"
    assert tester.ask(revoke, id=live["id"])["revokeApiKey"]["userErrors"] == [{"code": "NOT_FOUND"}]
    rotate = "mutation ($id: ID!) { rotateApiKey(input: {id: $id}) { secret apiKey { mode } userErrors { code } } }"
    rotated = acme.ask(rotate, id=test["id"])["rotateApiKey"]
    assert rotated["secret"].startswith("dio_test_key_")
    assert rotated["apiKey"]["mode"] == "TEST"
    assert acme.ask(revoke, id=test["id"])["revokeApiKey"]["userErrors"] == []
    assert tester.post(MODE).status_code == 401


def test_transfers_to_users_can_be_tried(acme: Partner, tester: Partner) -> None:
    grant = """
    mutation { grantCredits(input: {userRef: "ada", amount: 5, idempotencyKey: "g"}) {
      balance { available } userErrors { code } } }
    """
    before = acme.ask("{ viewer { credits { available } } }")
    assert tester.ask(grant)["grantCredits"] == {"balance": {"available": 5}, "userErrors": []}
    assert acme.ask("{ viewer { credits { available } } }") == before


def test_a_suspended_account_is_suspended_in_both_modes(acme: Partner, tester: Partner) -> None:
    support = partner(acme.server, unique_name("support"), role="admin")
    suspend = 'mutation ($id: ID!) { suspendAccount(input: {accountId: $id, reason: "fraud"}) { userErrors { code } } }'
    account = encode_id(IdKind.ACCOUNT, acme.principal.account_id)
    assert support.ask(suspend, id=account)["suspendAccount"]["userErrors"] == []
    assert tester.post(SESSION).json()["errors"][0]["extensions"]["code"] == "SUSPENDED"


def test_without_a_stand_in_test_keys_are_refused(server: Server, acme: Partner, tester: Partner) -> None:
    token = tester.ask(SESSION)["createSession"]["token"]
    for secret in (tester.secret, token):
        refused = Caller(server, secret)
        response = refused.post(MODE)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        assert "no test mode" in response.json()["errors"][0]["message"]
        csv = f"{server.url}/credits/statement.csv"
        assert server.http.get(csv, headers=refused.headers).status_code == 401
        with raw_socket(server) as connection:
            socket = Socket(connection)
            socket.send({"type": "connection_init", "payload": {"authorization": f"Bearer {secret}"}})
            with pytest.raises(ConnectionClosed) as closed:
                socket.receive()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4403
    made = created(Caller(server, acme.secret))
    assert (made["secret"], made["userErrors"][0]["path"]) == (None, ["input", "mode"])
    assert created(Caller(server, acme.secret), "LIVE")["apiKey"]["mode"] == "LIVE"
