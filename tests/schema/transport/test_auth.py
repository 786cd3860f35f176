"""Callers see nothing without a key, and never what belongs to another account."""

from __future__ import annotations

import pytest

from tests.schema.documents import make_avatar
from tests.support.databases import unique_name
from tests.support.partners import Partner, partner
from tests.support.serving import Caller, Server

THEMES = "{ themes { key name description } }"
VIEWER = "{ viewer { role name tier session { userRef tier } } }"


@pytest.mark.parametrize("secret", [None, "", "dio_key_wrong", "dio_ses_wrong", "nonsense"])
def test_nothing_is_read_without_a_valid_key(server: Server, secret: str | None) -> None:
    response = Caller(server, secret).post(THEMES)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    [error] = response.json()["errors"]
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("UNAUTHENTICATED", False)
    assert error["extensions"]["requestId"] == response.headers["x-request-id"]
    assert "data" not in response.json()


def test_a_revoked_key_is_no_longer_valid(acme: Partner) -> None:
    assert acme.post(THEMES).status_code == 200
    with acme.server.engine.begin() as conn:
        conn.exec_driver_sql(
            "UPDATE api_keys SET revoked_at = now() WHERE account_id = %s", (acme.principal.account_id,)
        )
    assert acme.post(THEMES).status_code == 401


def test_an_expired_session_is_no_longer_valid(acme: Partner) -> None:
    assert acme.user(lasts_s=-1).post(THEMES).status_code == 401


def test_the_viewer_is_the_caller(acme: Partner, support: Partner) -> None:
    assert acme.ask(VIEWER)["viewer"] == {
        "role": "PARTNER",
        "name": f"{acme.account} key",
        "tier": "PAID",
        "session": None,
    }
    assert support.ask(VIEWER)["viewer"]["role"] == "ADMIN"
    assert acme.user("ada").ask(VIEWER)["viewer"] == {
        "role": "SESSION",
        "name": "ada",
        "tier": "FREE",
        "session": {"userRef": "ada", "tier": "FREE"},
    }


def test_a_user_sees_only_their_own_and_all_of_their_sessions(acme: Partner) -> None:
    ada, again, bob = acme.user("ada"), acme.user("ada"), acme.user("bob")
    jobs = "{ jobs(first: 10) { edges { node { id } } } }"
    with acme.server.engine.connect() as conn:
        session_id = conn.exec_driver_sql(
            "SELECT id FROM sessions WHERE account_id = %s AND user_ref = 'ada' ORDER BY id LIMIT 1",
            (acme.principal.account_id,),
        ).scalar_one()
    job_id = make_avatar(ada, acme.asset(session_id=session_id))
    assert [edge["node"]["id"] for edge in ada.ask(jobs)["jobs"]["edges"]] == [job_id]
    assert [edge["node"]["id"] for edge in again.ask(jobs)["jobs"]["edges"]] == [job_id]
    assert bob.ask(jobs)["jobs"]["edges"] == []
    assert [edge["node"]["id"] for edge in acme.ask(jobs)["jobs"]["edges"]] == [job_id]
    session = acme.ask("query ($id: ID!) { job(id: $id) { session { id userRef } } }", id=job_id)["job"]["session"]
    of_session = (
        "query ($id: ID!) { node(id: $id) { ... on Session { userRef jobs(first: 5) { edges { node { id } } } } } }"
    )
    assert again.ask(of_session, id=session["id"])["node"]["jobs"]["edges"] == [{"node": {"id": job_id}}]
    assert bob.ask(of_session, id=session["id"]) == {"node": None}


def test_a_user_cannot_see_a_partners_asset(acme: Partner) -> None:
    selfie = acme.asset()
    assert acme.user().ask("query ($id: ID!) { asset(id: $id) { id } }", id=selfie) == {"asset": None}


def test_support_sees_all_accounts(acme: Partner, support: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    assert support.ask("query ($id: ID!) { job(id: $id) { id } }", id=job_id) == {"job": {"id": job_id}}


def test_only_a_key_opens_sessions(acme: Partner) -> None:
    document = """
    mutation ($input: CreateSessionInput!) {
      createSession(input: $input) { session { userRef tier expiresAt } token userErrors { code path message } }
    }
    """
    made = acme.ask(document, input={"userRef": "ada", "tier": "PAID", "expiresInSeconds": 600})["createSession"]
    assert made["session"]["userRef"] == "ada"
    user = Caller(acme.server, made["token"])
    assert user.ask(VIEWER)["viewer"]["tier"] == "PAID"
    error = user.fail(document, input={"userRef": "bob"})
    assert error["extensions"]["code"] == "FORBIDDEN"
    for wrong, path in (
        ({"userRef": ""}, ["input", "userRef"]),
        ({"userRef": "a" * 201}, ["input", "userRef"]),
        ({"userRef": "ada", "expiresInSeconds": 59}, ["input", "expiresInSeconds"]),
        ({"userRef": "ada", "expiresInSeconds": 2_592_001}, ["input", "expiresInSeconds"]),
    ):
        [refused] = acme.ask(document, input=wrong)["createSession"]["userErrors"]
        assert (refused["code"], refused["path"]) == ("INVALID", path)


def test_a_key_does_not_show_the_jobs_of_another_partner(server: Server) -> None:
    first, second = partner(server, unique_name("a")), partner(server, unique_name("b"))
    make_avatar(first, first.asset())
    assert second.ask("{ jobs(first: 5) { edges { cursor } } }") == {"jobs": {"edges": []}}
