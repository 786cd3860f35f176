"""Support and owners put things right once for an idempotency key, however often the request arrives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from db.records.ledger import settle_credits
from schema.ids import IdKind, decode_id
from tests.schema.credits import balance, charged
from tests.schema.documents import make_avatar, new_key
from tests.support.invariants import assert_credits_add_up
from tests.support.partners import TO_OUTAGE, Partner, move
from tests.support.serving import Caller, Server

ADJUST = """
mutation ($input: AdjustCreditsInput!) {
  adjustCredits(input: $input) { entry { change at } replayed userErrors { code path } }
}
"""
REFUND = """
mutation ($input: RefundJobInput!) {
  refundJob(input: $input) { job { credits { charged refunded } state } amount replayed userErrors { code path } }
}
"""
RETRY = """
mutation ($input: RetryJobInput!) {
  retryJob(input: $input) { job { id state } revived replayed userErrors { code path } }
}
"""
ENTRIES = (
    "query ($f: CreditEntryFilter) { creditEntries(first: 9, filter: $f) { edges { node { kind actor reason } } } }"
)


def refund(caller: Caller, job_id: str, key: str | None = None, reason: str = "six fingers") -> dict[str, Any]:
    given = {"jobId": job_id, "reason": reason, "idempotencyKey": key or new_key()}
    payload: dict[str, Any] = caller.ask(REFUND, input=given)["refundJob"]
    return payload


def test_an_adjustment_is_booked_once(acme: Partner, support: Partner) -> None:
    given = {"account": acme.account, "change": 50, "reason": "a gift", "idempotencyKey": new_key()}
    first, second = (support.ask(ADJUST, input=given)["adjustCredits"] for _ in range(2))
    assert (first["replayed"], second["replayed"]) == (False, True)
    assert first["entry"] == second["entry"]
    assert balance(acme) == (10_050, 0)
    other = support.ask(ADJUST, input={**given, "change": 51})["adjustCredits"]
    assert other["userErrors"] == [{"code": "IDEMPOTENCY_KEY_REUSED", "path": ["input", "idempotencyKey"]}]


def test_a_refund_returns_the_charge_once_to_the_wallet_that_paid(acme: Partner, support: Partner) -> None:
    ada = acme.user(credits=100)
    job_id = charged(acme, ada)
    assert balance(ada) == (98, 0)
    key = new_key()
    for replayed in (False, True):
        payload = refund(support, job_id, key)
        assert payload == {
            "job": {"credits": {"charged": 2, "refunded": 2}, "state": "SUCCEEDED"},
            "amount": 2,
            "replayed": replayed,
            "userErrors": [],
        }
    assert balance(ada) == (100, 0)
    again = refund(support, job_id)
    assert (again["amount"], again["userErrors"]) == (None, [{"code": "ALREADY_FINISHED", "path": ["input", "jobId"]}])
    assert_credits_add_up(acme.server.engine, acme.principal.account_id)
    [entry, *_] = support.ask(ENTRIES, f={"jobId": job_id})["creditEntries"]["edges"]
    assert entry["node"] == {"kind": "REFUND", "actor": f"support:{support.account} key", "reason": "six fingers"}
    [shown, *_] = ada.ask(ENTRIES, f={"jobId": job_id})["creditEntries"]["edges"]
    assert shown["node"] == {"kind": "REFUND", "actor": "support", "reason": None}


def test_refunds_that_arrive_together_return_one_charge(acme: Partner, support: Partner) -> None:
    job_id = charged(acme)
    with ThreadPoolExecutor(4) as pool:
        payloads = list(pool.map(lambda _: refund(support, job_id), range(4)))
    assert sorted(payload["amount"] or 0 for payload in payloads) == [0, 0, 0, 2]
    assert balance(acme) == (10_000, 0)


def test_a_job_that_is_rolled_back_after_its_refund_returns_nothing_more(acme: Partner, support: Partner) -> None:
    job_id = charged(acme)
    refund(support, job_id)
    with acme.server.engine.begin() as conn:
        settle_credits(conn, succeeded=[], ended=[decode_id(job_id, IdKind.JOB)])
    assert balance(acme) == (10_000, 0)


def test_only_what_was_charged_is_refunded_and_only_by_support(acme: Partner, support: Partner, server: Server) -> None:
    waiting = make_avatar(acme, acme.asset())
    assert refund(support, waiting)["userErrors"] == [{"code": "NOT_READY", "path": ["input", "jobId"]}]
    move(server.engine, waiting, *TO_OUTAGE)
    with server.engine.begin() as conn:
        settle_credits(conn, succeeded=[], ended=[decode_id(waiting, IdKind.JOB)])
    assert refund(support, waiting)["userErrors"] == [{"code": "ALREADY_FINISHED", "path": ["input", "jobId"]}]
    assert refund(support, waiting, reason=" ")["userErrors"] == [{"code": "INVALID", "path": ["input", "reason"]}]
    for caller in (acme, acme.user()):
        given = {"jobId": charged(acme), "reason": "please", "idempotencyKey": new_key()}
        assert caller.fail(REFUND, input=given)["extensions"]["code"] == "FORBIDDEN"


def test_a_job_is_retried_once_for_a_key(acme: Partner, server: Server) -> None:
    job_id, key = make_avatar(acme, acme.asset()), new_key()
    given = {"jobId": job_id, "idempotencyKey": key}
    assert acme.ask(RETRY, input=given)["retryJob"]["userErrors"][0]["code"] == "NOT_READY"
    move(server.engine, job_id, *TO_OUTAGE)
    # A refused request does not use up its key.
    assert acme.ask(RETRY, input=given)["retryJob"]["revived"] == [job_id]
    move(server.engine, job_id, *TO_OUTAGE)
    again = acme.ask(RETRY, input=given)["retryJob"]
    assert again == {"job": {"id": job_id, "state": "FAILED"}, "revived": [], "replayed": True, "userErrors": []}
    other = acme.ask(RETRY, input={**given, "jobId": make_avatar(acme, acme.asset())})["retryJob"]
    assert other["userErrors"] == [{"code": "IDEMPOTENCY_KEY_REUSED", "path": ["input", "idempotencyKey"]}]
