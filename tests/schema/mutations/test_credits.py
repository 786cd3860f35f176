"""A request through the API is paid from the right wallet, or not accepted."""

from __future__ import annotations

from typing import Any

from schema.ids import IdKind, encode_id
from tests.schema.credits import GRANT, VIEWER, balance, grant, selfie
from tests.schema.documents import CREATE_STORY, make_avatar, make_story, new_key
from tests.support.partners import Partner
from tests.support.serving import Caller

ENTRIES = """
query ($first: Int, $after: String, $filter: CreditEntryFilter) {
  creditEntries(first: $first, after: $after, filter: $filter) {
    edges { cursor node { kind amount change fromBucket toBucket userRef actor reason job { id } } }
    pageInfo { hasNextPage }
  }
}
"""
ADJUST = """
mutation ($input: AdjustCreditsInput!) {
  adjustCredits(input: $input) {
    entry { kind change reason actor }
    userErrors { code path ... on InsufficientCreditsError { required available } }
  }
}
"""
JOB = "query ($id: ID!) { job(id: $id) { credits { price held charged refunded } } }"


def entries(caller: Caller, **given: Any) -> list[dict[str, Any]]:
    page = caller.ask(ENTRIES, **{"first": 50, **given})["creditEntries"]
    return [edge["node"] for edge in page["edges"]]


def test_a_story_holds_the_price_of_its_three_jobs_from_the_callers_own_wallet(acme: Partner) -> None:
    ada = acme.user(credits=100)
    make_story(ada, selfie(acme, ada))
    # An avatar for 2, a scene for 3 and six seconds in the free tier for 10.
    assert balance(ada) == (85, 15)
    assert balance(acme) == (10_000, 0)
    make_avatar(acme, acme.asset())
    assert balance(acme) == (9_998, 2)


def test_a_request_beyond_the_balance_holds_nothing(acme: Partner) -> None:
    ada = acme.user(credits=14)
    given = {"selfieId": selfie(acme, ada), "theme": "neon-city", "idempotencyKey": new_key()}
    document = CREATE_STORY.replace("__typename message", "... on InsufficientCreditsError { required available }")
    payload = ada.ask(document, input=given)["createStory"]
    assert payload["story"] is None
    assert payload["userErrors"] == [
        {"code": "INSUFFICIENT_CREDITS", "path": ["input"], "required": 15, "available": 14}
    ]
    assert balance(ada) == (14, 0)
    grant(acme, userRef="ada", amount=1)
    # The key made nothing, so it is still free.
    assert ada.ask(CREATE_STORY, input=given)["createStory"]["story"] is not None
    assert balance(ada) == (0, 15)


def test_the_same_key_holds_once(acme: Partner) -> None:
    given = {"selfieId": acme.asset(), "theme": "neon-city", "idempotencyKey": new_key()}
    for _ in range(2):
        acme.ask(CREATE_STORY, input=given)
    assert balance(acme) == (10_000 - 13, 13)


def test_a_job_shows_its_hold(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    assert acme.ask(JOB, id=job_id)["job"]["credits"] == {"price": 2, "held": 2, "charged": 0, "refunded": 0}


def test_a_partner_grants_credits_to_its_users_from_its_own_wallet(acme: Partner) -> None:
    ada = acme.user(credits=0)
    key = new_key()
    for replayed in (False, True):
        payload = grant(acme, userRef="ada", amount=9000, idempotencyKey=key, reason="welcome")
        assert payload == {
            "balance": {"available": 9000, "held": 0},
            "replayed": replayed,
            "userErrors": [],
        }
    assert balance(acme) == (1_000, 0)
    assert ada.ask(VIEWER)["viewer"]["session"]["creditBalance"] == 9000
    refused = grant(acme, userRef="ada", amount=1001)["userErrors"]
    assert refused == [{"code": "INSUFFICIENT_CREDITS", "path": ["input"], "required": 1001, "available": 1000}]


def test_only_support_creates_credits(acme: Partner, support: Partner) -> None:
    assert grant(acme, amount=5)["userErrors"][0]["path"] == ["input", "userRef"]
    assert grant(acme, amount=5, userRef="ada", account="x")["userErrors"][0]["path"] == ["input", "account"]
    assert acme.user().fail(GRANT, input={"amount": 5, "idempotencyKey": "k"})["extensions"]["code"] == "FORBIDDEN"
    assert grant(support, account=acme.account, amount=5)["balance"]["available"] == 10005
    assert grant(support, account="unknown", amount=5)["userErrors"][0]["code"] == "NOT_FOUND"
    assert grant(support, account=acme.account, amount=0)["userErrors"][0]["path"] == ["input", "amount"]


def test_support_adjusts_a_wallet_with_a_reason_and_never_below_zero(acme: Partner, support: Partner) -> None:
    given = {"account": acme.account, "change": -4000, "reason": "billed twice", "idempotencyKey": new_key()}
    entry = support.ask(ADJUST, input=given)["adjustCredits"]["entry"]
    assert entry == {
        "kind": "ADJUST",
        "change": -4000,
        "reason": "billed twice",
        "actor": f"support:{support.account} key",
    }
    refused = support.ask(ADJUST, input={**given, "change": -6001, "idempotencyKey": new_key()})["adjustCredits"][
        "userErrors"
    ]
    assert refused[0]["available"] == 6_000
    assert support.ask(ADJUST, input={**given, "reason": " "})["adjustCredits"]["userErrors"][0]["code"] == "INVALID"
    assert acme.fail(ADJUST, input=given)["extensions"]["code"] == "FORBIDDEN"


def test_the_name_and_reason_of_staff_are_for_support_only(acme: Partner, support: Partner) -> None:
    ada = acme.user(credits=0)
    grant(acme, userRef="ada", amount=5, reason="welcome")
    given = {"account": acme.account, "userRef": "ada", "change": -5, "reason": "suspected fraud, see ticket 7"}
    given["idempotencyKey"] = new_key()
    assert support.ask(ADJUST, input=given)["adjustCredits"]["userErrors"] == []

    def recorded(caller: Caller) -> list[tuple[str, str | None]]:
        wanted = {"userRef": "ada"} | ({"account": account} if caller is support else {})
        return [(each["actor"], each["reason"]) for each in entries(caller, filter=wanted)]

    account = encode_id(IdKind.ACCOUNT, acme.principal.account_id)
    assert recorded(ada) == [("support", None), ("api", None)]
    assert recorded(acme) == [("support", None), ("api", "welcome")]
    assert recorded(support)[0] == (f"support:{support.account} key", "suspected fraud, see ticket 7")


def test_the_ledger_is_paged_newest_first_and_only_for_its_owner(acme: Partner, rival: Partner) -> None:
    ada = acme.user(credits=100)
    job_id = make_avatar(ada, selfie(acme, ada))
    assert [(each["kind"], each["change"], each["job"]) for each in entries(ada)] == [
        ("HOLD", -2, {"id": job_id}),
        ("GRANT", 100, None),
    ]
    assert [each["userRef"] for each in entries(acme)] == ["ada", "ada", None]
    assert [each["kind"] for each in entries(acme, filter={"userRef": "ada", "kinds": ["HOLD"]})] == ["HOLD"]
    assert len(entries(acme, filter={"jobId": job_id})) == 1
    assert entries(rival, filter={"jobId": job_id}) == []
    first = acme.ask(ENTRIES, first=1)["creditEntries"]
    rest = acme.ask(ENTRIES, first=5, after=first["edges"][0]["cursor"])["creditEntries"]
    assert first["pageInfo"]["hasNextPage"]
    assert len(rest["edges"]) == 2
