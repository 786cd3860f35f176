"""The cap of what an account spends in a day, which no two requests pass together, and the mark of a low balance."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from db.engine.activity import sequence
from db.records.credit_limits import count_spending
from db.records.ledger import hold_credits, settle_credits
from jobs.upkeep.spend_caps import recount_caps
from schema.ids import IdKind, decode_id, encode_id
from tests.schema.credits import balance, grant, selfie
from tests.schema.documents import CREATE_AVATAR, make_avatar, new_key
from tests.schema.mutations.test_api_keys import created
from tests.support.eventually import eventually
from tests.support.partners import TO_OUTAGE, Partner, move
from tests.support.serving import Caller

SET_CAP = """
mutation ($input: SetSpendCapInput!) {
  setSpendCap(input: $input) {
    account { spendCap { creditsPerDay used resetsAt } } userErrors { code path }
  }
}
"""
SET_MARK = """
mutation ($input: SetLowBalanceMarkInput!) {
  setLowBalanceMark(input: $input) { account { lowBalanceMark } userErrors { code path } }
}
"""
REQUEST = """
mutation ($input: CreateAvatarInput!) {
  createAvatar(input: $input) {
    job { id } userErrors { code message path ... on SpendCapError { resetsAt } }
  }
}
"""
RETRY = """
mutation ($id: ID!, $key: String!) {
  retryJob(input: {jobId: $id, idempotencyKey: $key}) { revived userErrors { code } }
}
"""
OWN = "{ viewer { account { spendCap { creditsPerDay used } lowBalanceMark } } }"
FEED = "{ activity(first: 100) { edges { node { type jobId userRef } } } }"


@pytest.fixture
def price(acme: Partner) -> int:
    """Return the price of an avatar."""
    make_avatar(acme, acme.asset())
    return balance(acme)[1]


def set_cap(caller: Caller, credits_per_day: int | None, **more: Any) -> Any:
    given = {"creditsPerDay": None if credits_per_day is None else str(credits_per_day), **more}
    return caller.ask(SET_CAP, input=given)["setSpendCap"]


def set_mark(caller: Caller, credits: int | None, **more: Any) -> Any:
    given = {"credits": None if credits is None else str(credits), **more}
    return caller.ask(SET_MARK, input=given)["setLowBalanceMark"]


def refusal(caller: Caller, picture: str, **more: Any) -> Any:
    """Request an avatar; return why it was refused, or None."""
    given = {"selfieId": picture, "idempotencyKey": new_key(), **more}
    errors = caller.ask(REQUEST, input=given)["createAvatar"]["userErrors"]
    return errors[0] if errors else None


def used(acme: Partner) -> int:
    return int(acme.ask(OWN)["viewer"]["account"]["spendCap"]["used"])


def change(acme: Partner, assignments: str) -> None:
    with acme.server.engine.begin() as conn:
        given = {"id": acme.principal.account_id}
        conn.execute(text(f"UPDATE credit_limits SET {assignments} WHERE account_id = :id"), given)


def released(acme: Partner, job_id: str) -> None:
    """Return the credits of a job, as a worker does when it has failed."""
    with acme.server.engine.begin() as conn:
        settle_credits(conn, succeeded=[], ended=[decode_id(job_id, IdKind.JOB)])


def test_a_request_beyond_the_cap_is_refused_until_the_next_day(acme: Partner, price: int) -> None:
    shown = set_cap(acme, 2 * price + 1)["account"]["spendCap"]
    assert (shown["creditsPerDay"], shown["used"]) == (2 * price + 1, 0)
    picture = acme.asset()
    assert [refusal(acme, picture) for _ in range(2)] == [None, None]
    before = balance(acme)
    refused = refusal(acme, picture)
    assert (refused["code"], refused["path"]) == ("SPEND_CAP_REACHED", ["input"])
    midnight = datetime.combine(datetime.now(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)
    assert datetime.fromisoformat(refused["resetsAt"]) == midnight == datetime.fromisoformat(shown["resetsAt"])
    assert f"{midnight:%Y-%m-%dT%H:%MZ}" in refused["message"]
    assert (balance(acme), used(acme)) == (before, 2 * price)
    change(acme, "day = day - 1")
    assert used(acme) == 0
    assert refusal(acme, picture) is None
    assert used(acme) == price


def test_requests_at_once_do_not_pass_it_together(acme: Partner, price: int) -> None:
    users = [acme.user(f"user-{n}") for n in range(4)]
    pictures = [selfie(acme, user) for user in users]
    set_cap(acme, 5 * price)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: refusal(users[n % 4], pictures[n % 4]), range(16)))
    assert results.count(None) == 5
    assert used(acme) == 5 * price


def test_the_users_count_and_do_not_see_the_numbers(acme: Partner, price: int) -> None:
    ada = acme.user("ada")
    picture = selfie(acme, ada)
    set_cap(acme, price + 987_654)
    change(acme, "used = 987654, day = today_utc()")
    assert refusal(ada, picture) is None
    refused = refusal(ada, picture)
    assert refused["code"] == "SPEND_CAP_REACHED"
    assert "98" not in refused["message"]
    assert refusal(acme, acme.asset(), onBehalfOf="ada")["code"] == "SPEND_CAP_REACHED"


def test_what_comes_back_on_the_day_does_not_count(acme: Partner, price: int) -> None:
    picture = acme.asset()
    before = make_avatar(acme, picture)
    set_cap(acme, 2 * price)
    first, second = make_avatar(acme, picture), make_avatar(acme, picture)
    released(acme, before)
    recount_caps(acme.server.engine)
    assert used(acme) == 2 * price
    released(acme, first)
    assert refusal(acme, picture) is not None
    recount_caps(acme.server.engine)
    assert used(acme) == price
    assert refusal(acme, picture) is None
    with acme.server.engine.begin() as conn:
        settle_credits(conn, succeeded=[decode_id(second, IdKind.JOB)], ended=[])
    recount_caps(acme.server.engine)
    assert used(acme) == 2 * price


def test_counting_again_waits_for_requests_that_are_being_accepted(acme: Partner, price: int) -> None:
    """It would otherwise miss their entries, and their credits could be spent twice."""
    set_cap(acme, 2 * price)
    make_avatar(acme, acme.asset())
    change(acme, "used = used + 1")
    account_id, done = acme.principal.account_id, threading.Event()

    def recount() -> None:
        recount_caps(acme.server.engine)
        done.set()

    with acme.server.engine.begin() as conn:
        assert count_spending(conn, account_id, price - 1)
        thread = threading.Thread(target=recount)
        thread.start()
        eventually(lambda: waits_for_a_lock(acme))
        assert not done.is_set()
        job = conn.scalar(text("SELECT id FROM jobs WHERE account_id = :id"), {"id": account_id})
        conn.execute(text("UPDATE jobs SET cycle = 2 WHERE id = :id"), {"id": job})
        hold_credits(conn, [job], actor="api")
    thread.join()
    assert used(acme) == 2 * price


def waits_for_a_lock(acme: Partner) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%credit_limits%'"
    with acme.server.engine.connect() as conn:
        return bool(conn.scalar(text(query)))


def test_a_batch_is_refused_whole(acme: Partner, price: int) -> None:
    set_cap(acme, price)
    create = "mutation ($input: CreateBatchInput!) { createBatch(input: $input) { userErrors { code } } }"
    scenes = [{"avatarId": acme.asset("avatar"), "theme": "neon-city"} for _ in range(9)]
    refused = acme.ask(create, input={"scenes": scenes, "idempotencyKey": new_key()})["createBatch"]
    assert [each["code"] for each in refused["userErrors"]] == ["SPEND_CAP_REACHED"]
    assert used(acme) == 0


def test_a_retry_counts_and_what_support_redrives_does_not(acme: Partner, support: Partner, price: int) -> None:
    set_cap(acme, price)
    job_id = make_avatar(acme, acme.asset())
    move(acme.server.engine, job_id, *TO_OUTAGE)
    refused = acme.ask(RETRY, id=job_id, key=new_key())["retryJob"]
    assert [each["code"] for each in refused["userErrors"]] == ["SPEND_CAP_REACHED"]
    assert support.ask(RETRY, id=job_id, key=new_key())["retryJob"] == {"revived": [job_id], "userErrors": []}
    assert used(acme) == price


def test_no_cap_is_none_and_a_cap_of_nothing_stops_everything(acme: Partner) -> None:
    assert acme.ask(OWN)["viewer"]["account"] == {"spendCap": None, "lowBalanceMark": None}
    set_cap(acme, 0)
    assert refusal(acme, acme.asset())["code"] == "SPEND_CAP_REACHED"
    assert set_cap(acme, None)["account"]["spendCap"] is None
    assert refusal(acme, acme.asset()) is None


@pytest.mark.parametrize(
    ("setter", "argument", "wrong"),
    [(set_cap, "creditsPerDay", -1), (set_cap, "creditsPerDay", 10**9 + 1), (set_mark, "credits", 0)],
)
def test_limits_have_bounds(acme: Partner, setter: Any, argument: str, wrong: int) -> None:
    assert setter(acme, wrong) == {"account": None, "userErrors": [{"code": "INVALID", "path": ["input", argument]}]}


@pytest.mark.parametrize("setter", [set_cap, set_mark])
def test_another_accounts_limits_do_not_exist(acme: Partner, rival: Partner, setter: Any) -> None:
    account = encode_id(IdKind.ACCOUNT, rival.principal.account_id)
    refused = setter(acme, 5, accountId=account)["userErrors"]
    assert refused == [{"code": "NOT_FOUND", "path": ["input", "accountId"]}]
    assert rival.ask(OWN)["viewer"]["account"] == {"spendCap": None, "lowBalanceMark": None}


@pytest.mark.parametrize(("document", "given"), [(SET_CAP, {"creditsPerDay": "5"}), (SET_MARK, {"credits": "5"})])
def test_sessions_and_keys_without_the_scope_set_none(acme: Partner, document: str, given: dict[str, str]) -> None:
    for caller in (acme.user(), created(acme, "REQUESTS")[0]):
        assert caller.fail(document, input=given)["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("setter", "action"), [(set_cap, "SET_SPEND_CAP"), (set_mark, "SET_LOW_BALANCE_MARK")], ids=["cap", "mark"]
)
def test_support_gives_a_reason_which_the_audit_keeps(
    acme: Partner, support: Partner, setter: Any, action: str
) -> None:
    account = encode_id(IdKind.ACCOUNT, acme.principal.account_id)
    assert setter(support, 5, accountId=account)["userErrors"] == [{"code": "INVALID", "path": ["input", "reason"]}]
    assert setter(support, 5, accountId=account, reason="a stolen key")["userErrors"] == []
    audit = "query ($a: ID!) { auditEntries(first: 9, filter: {account: $a}) { edges { node { action reason } } } }"
    entries = [edge["node"] for edge in support.ask(audit, a=account)["auditEntries"]["edges"]]
    assert entries == [{"action": action, "reason": "a stolen key"}]


def notices(caller: Partner | Caller, acme: Partner) -> int:
    """Return how many notices of a low balance a reader sees in the activity."""
    with acme.server.engine.begin() as conn:
        sequence(conn)
    nodes = [edge["node"] for edge in caller.ask(FEED)["activity"]["edges"]]
    found = [each for each in nodes if each["type"] == "BALANCE_LOW"]
    assert found == [{"type": "BALANCE_LOW", "jobId": None, "userRef": None}] * len(found)
    return len(found)


def test_each_fall_below_the_mark_is_noted_once(acme: Partner, support: Partner, price: int) -> None:
    picture = acme.asset()
    available = balance(acme)[0]
    assert set_mark(acme, available - price)["account"]["lowBalanceMark"] == available - price
    make_avatar(acme, picture)
    assert notices(acme, acme) == 0
    for _ in range(3):
        make_avatar(acme, picture)
    assert notices(acme, acme) == 1
    grant(support, account=acme.account, amount=str(3 * price))
    grant(acme, userRef="ada", amount=str(2 * price))
    grant(acme, userRef="ada", amount=str(2 * price))
    assert notices(acme, acme) == 2


def test_the_balances_of_users_are_their_own(acme: Partner, rival: Partner) -> None:
    ada = acme.user("ada", credits=50)
    picture = selfie(acme, ada)
    set_mark(acme, 50)
    make_avatar(ada, picture)
    assert (notices(acme, acme), notices(ada, acme)) == (0, 0)
    set_mark(acme, balance(acme)[0])
    make_avatar(acme, acme.asset())
    assert (notices(acme, acme), notices(ada, acme), notices(rival, acme)) == (1, 0, 0)


def test_a_refused_request_notes_nothing(acme: Partner) -> None:
    set_mark(acme, balance(acme)[0])
    given = {"selfieId": acme.asset(), "idempotencyKey": "", "priority": 0}
    assert acme.ask(CREATE_AVATAR, input=given)["createAvatar"]["userErrors"] != []
    set_cap(acme, 0)
    assert refusal(acme, acme.asset()) is not None
    assert notices(acme, acme) == 0
