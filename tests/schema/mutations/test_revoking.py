"""A grant to the wrong user is taken back once, as far as it has not been spent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.schema.credits import balance, selfie
from tests.schema.documents import make_avatar, new_key
from tests.support.invariants import assert_credits_add_up
from tests.support.partners import Partner
from tests.support.serving import Caller

GRANT = """
mutation ($input: GrantCreditsInput!) { grantCredits(input: $input) { grantId replayed userErrors { code } } }
"""
REVOKE = """
mutation ($id: ID!, $reason: String!) {
  revokeGrant(input: {grantId: $id, reason: $reason}) {
    amount balance { available } replayed userErrors { code path }
  }
}
"""


def granted(caller: Caller, amount: int, **given: Any) -> str:
    given = {"userRef": "ada", "amount": amount, "idempotencyKey": new_key(), **given}
    first, second = (caller.ask(GRANT, input=given)["grantCredits"] for _ in range(2))
    assert first["grantId"] == second["grantId"]
    grant_id: str = first["grantId"]
    return grant_id


def revoke(caller: Caller, grant_id: str, reason: str = "a typing error") -> dict[str, Any]:
    payload: dict[str, Any] = caller.ask(REVOKE, id=grant_id, reason=reason)["revokeGrant"]
    return payload


def test_what_was_not_spent_goes_back_to_the_account_once(acme: Partner) -> None:
    ada = acme.user(credits=0)
    grant_id = granted(acme, 100)
    make_avatar(ada, selfie(acme, ada))
    assert balance(acme) == (9_900, 0)
    for replayed in (False, True):
        assert revoke(acme, grant_id) == {
            "amount": 98,
            "balance": {"available": 0},
            "replayed": replayed,
            "userErrors": [],
        }
    assert (balance(acme), balance(ada)) == ((9_998, 0), (0, 2))
    assert_credits_add_up(acme.server.engine, acme.principal.account_id)


def test_no_more_goes_back_than_was_granted(acme: Partner) -> None:
    ada = acme.user(credits=7)
    assert revoke(acme, granted(acme, 5))["amount"] == 5
    assert balance(ada) == (7, 0)


def test_revocations_that_arrive_together_take_back_once(acme: Partner) -> None:
    ada, grant_id = acme.user(credits=50), granted(acme, 5)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: revoke(acme, grant_id), range(4)))
    assert [each["amount"] for each in found] == [5] * 4
    assert balance(ada) == (50, 0)


def test_a_grant_that_is_spent_cannot_be_revoked(acme: Partner) -> None:
    ada = acme.user(credits=0)
    grant_id = granted(acme, 2)
    make_avatar(ada, selfie(acme, ada))
    assert revoke(acme, grant_id)["userErrors"] == [{"code": "ALREADY_FINISHED", "path": ["input", "grantId"]}]


def test_a_grant_is_revoked_by_its_account_and_by_support_alone(
    acme: Partner, rival: Partner, support: Partner
) -> None:
    ada, of_acme = acme.user(credits=0), granted(acme, 3)
    of_support = granted(support, 4, account=acme.account)
    missing = [{"code": "NOT_FOUND", "path": ["input", "grantId"]}]
    assert revoke(rival, of_acme)["userErrors"] == revoke(acme, of_support)["userErrors"] == missing
    assert ada.fail(REVOKE, id=of_acme, reason="mine")["extensions"]["code"] == "FORBIDDEN"
    assert revoke(acme, of_acme, reason=" ")["userErrors"] == [{"code": "INVALID", "path": ["input", "reason"]}]
    assert revoke(support, of_support)["amount"] == 4
    assert balance(acme) == (9_997, 0)
    assert revoke(support, of_acme)["amount"] == 3
    assert (balance(acme), balance(ada)) == ((10_000, 0), (0, 0))
