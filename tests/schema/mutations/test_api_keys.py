"""Accounts manage their own keys, and a key does only what its scopes allow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import text

from jobs.api_keys import KEYS_PER_ACCOUNT_MAX, issue_api_key
from schema.ids import IdKind, decode_id
from tests.schema.documents import CREATE_AVATAR, new_key
from tests.support.partners import Partner
from tests.support.serving import Caller

KEY = "apiKey { id name fingerprint scopes createdAt lastUsedAt expiresAt }"
ERRORS = "userErrors { code message path }"
CREATE = f"mutation ($input: CreateApiKeyInput!) {{ createApiKey(input: $input) {{ secret {KEY} {ERRORS} }} }}"
ROTATE = f"mutation ($input: RotateApiKeyInput!) {{ rotateApiKey(input: $input) {{ secret {KEY} {ERRORS} }} }}"
REVOKE = f"mutation ($input: RevokeApiKeyInput!) {{ revokeApiKey(input: $input) {{ {KEY} {ERRORS} }} }}"
KEYS = "{ apiKeys { id name fingerprint scopes lastUsedAt expiresAt } }"
OPEN = """
mutation { createSession(input: {userRef: "ada"}) { token userErrors { code } } }
"""
GRANT = """
mutation ($key: String!) {
  grantCredits(input: {userRef: "ada", amount: 1, idempotencyKey: $key}) { balance { available } userErrors { code } }
}
"""
NAME = "{ viewer { name } }"
ALL = ["REQUESTS", "SESSIONS", "CREDITS", "KEYS"]


def created(caller: Caller, *scopes: str, name: str = "batch server") -> tuple[Caller, dict[str, Any]]:
    """Create a key and return a caller that uses it, and the key as the API shows it."""
    payload = caller.ask(CREATE, input={"name": name, "scopes": list(scopes)})["createApiKey"]
    assert payload["userErrors"] == []
    return Caller(caller.server, payload["secret"]), payload["apiKey"]


def listed(caller: Caller) -> dict[str, dict[str, Any]]:
    return {key["id"]: key for key in caller.ask(KEYS)["apiKeys"]}


def works(caller: Caller) -> bool:
    return caller.post(NAME).status_code == 200


def test_a_created_key_works_and_is_listed_without_its_secret(acme: Partner) -> None:
    made, key = created(acme, "REQUESTS", "SESSIONS")
    assert made.ask(NAME) == {"viewer": {"name": "batch server"}}
    assert (key["scopes"], key["lastUsedAt"], key["expiresAt"]) == (["REQUESTS", "SESSIONS"], None, None)
    assert listed(acme)[key["id"]]["name"] == "batch server"
    assert (made.secret or "")[8:] not in str(listed(acme))
    # Its first use was noted before the response.
    assert listed(acme)[key["id"]]["lastUsedAt"] is not None


def test_a_key_does_only_what_its_scopes_allow(acme: Partner) -> None:
    avatar = {"selfieId": acme.asset(), "idempotencyKey": new_key()}
    changes: dict[str, tuple[str, dict[str, Any]]] = {
        "REQUESTS": (CREATE_AVATAR, {"input": avatar}),
        "SESSIONS": (OPEN, {}),
        "CREDITS": (GRANT, {"key": new_key()}),
        "KEYS": (CREATE, {"input": {"name": "n", "scopes": []}}),
    }
    for scope in ALL:
        made, _ = created(acme, scope)
        for needed, (document, given) in changes.items():
            if needed == scope:
                (payload,) = made.ask(document, **given).values()
                assert payload["userErrors"] == []
            else:
                error = made.fail(document, **given)
                assert error["extensions"]["code"] == "FORBIDDEN"
                assert needed in error["message"]
        assert made.ask(NAME)


def test_a_key_gives_no_more_than_it_has(acme: Partner) -> None:
    made, _ = created(acme, "KEYS")
    payload = made.ask(CREATE, input={"name": "more", "scopes": ["CREDITS"]})["createApiKey"]
    assert payload["secret"] is None
    assert payload["userErrors"][0]["path"] == ["input", "scopes"]
    assert "CREDITS" in payload["userErrors"][0]["message"]
    # Nor by rotating a stronger one, whose secret it would get.
    _, stronger = created(acme, *ALL)
    refused = made.ask(ROTATE, input={"id": stronger["id"]})["rotateApiKey"]
    assert (refused["secret"], refused["userErrors"][0]["code"]) == (None, "INVALID")
    assert listed(acme)[stronger["id"]]["expiresAt"] is None


def test_both_keys_work_until_the_overlap_ends(acme: Partner) -> None:
    old, key = created(acme, "REQUESTS")
    payload = acme.ask(ROTATE, input={"id": key["id"], "overlapSeconds": 600})["rotateApiKey"]
    new = Caller(acme.server, payload["secret"])
    assert (payload["apiKey"]["name"], payload["apiKey"]["scopes"]) == (key["name"], key["scopes"])
    assert payload["apiKey"]["id"] != key["id"]
    assert works(old)
    assert works(new)
    assert listed(acme)[key["id"]]["expiresAt"] is not None
    # A second rotation may end it sooner, and never later.
    acme.ask(ROTATE, input={"id": key["id"], "overlapSeconds": 0})
    assert not works(old)
    assert works(new)


def test_a_key_that_expired_is_gone(acme: Partner) -> None:
    old, key = created(acme, "REQUESTS")
    acme.ask(ROTATE, input={"id": key["id"]})
    with acme.server.engine.begin() as conn:
        expired = {"id": decode_id(key["id"], IdKind.API_KEY)}
        conn.execute(text("UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = :id"), expired)
    assert not works(old)
    assert key["id"] not in listed(acme)
    assert acme.ask(ROTATE, input={"id": key["id"]})["rotateApiKey"]["userErrors"][0]["code"] == "NOT_FOUND"


def test_a_revoked_key_stops_at_once(acme: Partner) -> None:
    made, key = created(acme)
    assert acme.ask(REVOKE, input={"id": key["id"]})["revokeApiKey"]["apiKey"]["id"] == key["id"]
    assert not works(made)
    assert key["id"] not in listed(acme)
    assert acme.ask(REVOKE, input={"id": key["id"]})["revokeApiKey"]["userErrors"][0]["code"] == "NOT_FOUND"


def test_two_keys_made_at_once_do_not_exceed_the_limit(acme: Partner) -> None:
    with acme.server.engine.begin() as conn:
        for number in range(KEYS_PER_ACCOUNT_MAX - 2):
            issue_api_key(conn, acme.account, role="partner", key_name=f"key {number}")
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(acme.ask, CREATE, input={"name": "last", "scopes": []}) for _ in range(4)]
    errors = [each.result()["createApiKey"]["userErrors"] for each in asked]
    assert sorted(map(len, errors)) == [0, 1, 1, 1]
    assert len(listed(acme)) == KEYS_PER_ACCOUNT_MAX


def test_a_session_manages_no_keys(acme: Partner) -> None:
    ada = acme.user()
    _, key = created(acme)
    for document, given in (
        (CREATE, {"name": "n", "scopes": []}),
        (ROTATE, {"id": key["id"]}),
        (REVOKE, {"id": key["id"]}),
    ):
        assert ada.fail(document, input=given)["extensions"]["code"] == "FORBIDDEN"
    assert ada.fail(KEYS)["extensions"]["code"] == "FORBIDDEN"


def test_a_key_needs_a_name(acme: Partner) -> None:
    for name in ("", "  ", "n" * 101):
        payload = acme.ask(CREATE, input={"name": name, "scopes": []})["createApiKey"]
        assert payload["userErrors"][0]["path"] == ["input", "name"]
    for overlap in (-1, 2_592_001):
        key_id = next(iter(listed(acme)))
        payload = acme.ask(ROTATE, input={"id": key_id, "overlapSeconds": overlap})["rotateApiKey"]
        assert payload["userErrors"][0]["path"] == ["input", "overlapSeconds"]
