"""Statements of credits add up to the ledger exactly, at any moment, whatever has been counted already."""

from __future__ import annotations

import csv
import io
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert, text

from db.tables import ledger_entries
from jobs.upkeep.statistics import keep_credit_statistics
from schema.ids import IdKind, encode_id
from tests.schema.documents import make_avatar
from tests.support.partners import Partner
from tests.support.serving import Caller

TOTALS = "granted transferredIn transferredOut adjusted held released charged refunded spent change entries"
FIELDS = TOTALS.split()
STATEMENT = f"""
query ($from: DateTime!, $to: DateTime!, $by: StatementInterval, $filter: CreditStatementFilter) {{
  creditStatement(from: $from, to: $to, interval: $by, filter: $filter) {{
    rows {{ startsAt totals {{ {TOTALS} }} }} totals {{ {TOTALS} }} csvUrl
  }}
}}
"""
BY_USER = f"""
query ($from: DateTime!, $to: DateTime!, $first: Int!, $after: String, $filter: UserCreditsFilter) {{
  creditStatementByUser(from: $from, to: $to, first: $first, after: $after, filter: $filter) {{
    edges {{ cursor node {{ userRef balance {{ available held }} totals {{ {TOTALS} }} }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
"""
# An independent sum: what each entry did, written out.
EXPECTED = """
SELECT coalesce(sum(amount) FILTER (WHERE kind = 'grant'), 0),
       coalesce(sum(amount) FILTER (WHERE kind = 'transfer' AND credit_bucket = 'available'), 0),
       coalesce(sum(amount) FILTER (WHERE kind = 'transfer' AND debit_bucket = 'available'), 0),
       coalesce(sum(CASE debit_bucket WHEN 'available' THEN -amount ELSE amount END) FILTER (WHERE kind = 'adjust'), 0),
       coalesce(sum(amount) FILTER (WHERE kind = 'hold'), 0), coalesce(sum(amount) FILTER (WHERE kind = 'release'), 0),
       coalesce(sum(amount) FILTER (WHERE kind = 'charge'), 0), coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0),
       coalesce(sum(CASE kind WHEN 'charge' THEN amount WHEN 'refund' THEN -amount END), 0),
       coalesce(sum(CASE 'available' WHEN credit_bucket THEN amount WHEN debit_bucket THEN -amount END), 0),
       count(*)
FROM ledger_entries
WHERE account_id = :account AND at >= :from AND at < :to AND (CAST(:user AS text) IS NULL OR user_ref = :user)
"""
MARCH = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def entry(conn: Connection, account_id: UUID, at: datetime, change: int, user: str = "", kind: str = "adjust") -> None:
    buckets = ("issued", "available") if change > 0 else ("available", "issued")
    values = {"account_id": account_id, "user_ref": user, "kind": kind, "amount": abs(change), "at": at}
    more = {"debit_bucket": buckets[0], "credit_bucket": buckets[1], "actor": "test", "reason": "a test"}
    conn.execute(insert(ledger_entries).values(values | more))


def expected(acme: Partner, start: datetime, end: datetime, user: str | None = None) -> dict[str, int]:
    with acme.server.engine.connect() as conn:
        given = {"account": acme.principal.account_id, "from": start, "to": end, "user": user}
        row = conn.execute(text(EXPECTED), given).one()
    return dict(zip(FIELDS, (int(each) for each in row), strict=True))


def statement(caller: Caller, start: datetime, end: datetime, by: str = "DAY", **wanted: Any) -> Any:
    given = {"from": written(start), "to": written(end), "by": by, "filter": wanted or None}
    return caller.ask(STATEMENT, **given)["creditStatement"]


def refused(caller: Caller, start: datetime, end: datetime, by: str = "DAY", **wanted: Any) -> str:
    given = {"from": written(start), "to": written(end), "by": by, "filter": wanted or None}
    return str(caller.fail(STATEMENT, **given)["extensions"]["code"])


def counted(acme: Partner) -> None:
    """Count all that is final: a mark has to be set before it is passed."""
    for _ in range(2):
        keep_credit_statistics(acme.server.engine)


def by_user(caller: Caller, start: datetime, end: datetime, first: int = 100, **more: Any) -> Any:
    given = {"from": written(start), "to": written(end), "first": first, **more}
    return caller.ask(BY_USER, **given)["creditStatementByUser"]


def table(caller: Caller, address: str) -> list[list[str]]:
    response = caller.server.http.get(address, headers=caller.headers)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.reader(io.StringIO(response.text, newline="")))


@pytest.fixture
def march(acme: Partner) -> Partner:
    """Return a partner with a random ledger around a month, part of which has been counted."""
    rng = random.Random(7)
    account_id = acme.principal.account_id
    edges = [MARCH, MARCH - timedelta(microseconds=1), MARCH + 31 * DAY, MARCH + 31 * DAY - timedelta(microseconds=1)]
    times = edges + [MARCH + timedelta(seconds=rng.randrange(-DAY.days * 86400, 33 * 86400)) for _ in range(60)]
    for number, at in enumerate(times):
        user, kind = rng.choice(["", "ada", "bob"]), rng.choice(["grant", "transfer", "adjust"])
        with acme.server.engine.begin() as conn:
            entry(conn, account_id, at, rng.randint(1, 99), user, kind)
            if kind != "grant":
                entry(conn, account_id, at, -1, user, kind)
        if number % 20 == 0:
            keep_credit_statistics(acme.server.engine)
    return acme


@pytest.mark.parametrize(("by", "length"), [("HOUR", HOUR), ("DAY", DAY)])
@pytest.mark.parametrize("user", [None, "ada"])
def test_every_interval_adds_up_to_the_ledger(march: Partner, by: str, length: timedelta, user: str | None) -> None:
    wanted = {"userRef": user} if user else {}
    for _ in range(2):
        for start in (MARCH - DAY, MARCH + 30 * DAY):
            found = statement(march, start, start + 2 * DAY, by, **wanted)
            assert len(found["rows"]) == 2 * DAY / length
            for row in found["rows"]:
                begins = datetime.fromisoformat(row["startsAt"])
                assert row["totals"] == expected(march, begins, begins + length, user), begins
            assert found["totals"] == expected(march, start, start + 2 * DAY, user)
        counted(march)


def test_a_month_ends_before_the_next(march: Partner) -> None:
    ends = [MARCH - 28 * DAY, MARCH, MARCH + 31 * DAY, MARCH + 61 * DAY]
    found = statement(march, ends[0], ends[-1], "MONTH")["rows"]
    assert [each["totals"] for each in found] == [expected(march, *each) for each in pairwise(ends)]


def test_users_add_up_to_the_ledger_and_have_their_balances(march: Partner) -> None:
    counted(march)
    pages, after = [], None
    while True:
        page = by_user(march, MARCH, MARCH + 31 * DAY, 2, after=after)
        pages.append([edge["node"] for edge in page["edges"]])
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert [[each["userRef"] for each in page] for page in pages] == [[None, "ada"], ["bob"]]
    for each in (node for page in pages for node in page):
        assert each["totals"] == expected(march, MARCH, MARCH + 31 * DAY, each["userRef"] or "")
        everything = expected(march, MARCH - 3650 * DAY, MARCH + 3650 * DAY, each["userRef"] or "")
        assert each["balance"] == {"available": everything["change"], "held": 0}


def test_jobs_are_in_it(acme: Partner) -> None:
    make_avatar(acme, acme.asset())
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for _ in range(3):
        found = statement(acme, today - DAY, today + 2 * DAY)["totals"]
        assert found == expected(acme, today - DAY, today + 2 * DAY)
        assert found["held"] > 0
        counted(acme)


def test_an_entry_that_commits_late_is_counted_once(acme: Partner) -> None:
    account_id = acme.principal.account_id
    with acme.server.engine.begin() as late:
        entry(late, account_id, MARCH, 7)
        with acme.server.engine.begin() as conn:
            entry(conn, account_id, MARCH, 11, "ada")
        counted(acme)
        assert statement(acme, MARCH, MARCH + DAY)["totals"]["adjusted"] == 11
    assert statement(acme, MARCH, MARCH + DAY)["totals"]["adjusted"] == 18
    counted(acme)
    counted(acme)
    assert statement(acme, MARCH, MARCH + DAY)["totals"]["adjusted"] == 18
    upto = "SELECT counted_upto >= (SELECT max(id) FROM ledger_entries) FROM credit_statistics_reader"
    with acme.server.engine.connect() as conn:
        assert conn.scalar(text(upto))


def test_a_restored_dump_goes_on_where_it_was(acme: Partner) -> None:
    counted(acme)
    with acme.server.engine.begin() as conn:
        entry(conn, acme.principal.account_id, MARCH, 5)
        conn.execute(text("UPDATE credit_statistics_reader SET system = 1, marked_xmax = '4000000000'"))
    counted(acme)
    counted(acme)
    assert statement(acme, MARCH, MARCH + DAY)["totals"]["adjusted"] == 5


def test_a_long_ledger_is_counted_in_parts(acme: Partner) -> None:
    for _ in range(7):
        with acme.server.engine.begin() as conn:
            entry(conn, acme.principal.account_id, MARCH, 3)
    for _ in range(3):
        keep_credit_statistics(acme.server.engine, most=3)
    assert statement(acme, MARCH, MARCH + DAY)["totals"]["adjusted"] == 21


def test_a_deleted_user_is_in_it_by_the_pseudonym(acme: Partner) -> None:
    acme.user("ada")
    with acme.server.engine.begin() as conn:
        entry(conn, acme.principal.account_id, MARCH, 5, "ada")
    counted(acme)
    acme.ask('mutation { deleteUser(input: {userRef: "ada"}) { userErrors { code } } }')
    found = {edge["node"]["userRef"]: edge["node"] for edge in by_user(acme, MARCH, MARCH + DAY)["edges"]}
    [name] = set(found) - {None}
    assert name.startswith("deleted-")
    assert found[name]["totals"]["adjusted"] == 5
    assert statement(acme, MARCH, MARCH + DAY, userRef="ada")["totals"]["entries"] == 0
    left = "SELECT count(*) FROM credit_statistics WHERE user_ref = 'ada' AND account_id = :id"
    with acme.server.engine.connect() as conn:
        assert conn.scalar(text(left), {"id": acme.principal.account_id}) == 0


def test_a_session_sees_its_own_user_only(acme: Partner, rival: Partner, support: Partner) -> None:
    ada = acme.user("ada", credits=0)
    for partner, user, credits in ((acme, "ada", 5), (acme, "bob", 50), (rival, "ada", 500)):
        with acme.server.engine.begin() as conn:
            entry(conn, partner.principal.account_id, MARCH, credits, user)
    counted(acme)
    assert statement(ada, MARCH, MARCH + DAY)["totals"]["adjusted"] == 5
    assert statement(ada, MARCH, MARCH + DAY, userRef="ada")["totals"]["adjusted"] == 5
    assert refused(ada, MARCH, MARCH + DAY, userRef="bob") == "FORBIDDEN"
    assert ada.fail(BY_USER, **{"from": written(MARCH), "to": written(MARCH + DAY), "first": 1})["extensions"][
        "code"
    ] == ("FORBIDDEN")
    assert statement(acme, MARCH, MARCH + DAY)["totals"]["adjusted"] == 55
    account = encode_id(IdKind.ACCOUNT, acme.principal.account_id)
    assert refused(rival, MARCH, MARCH + DAY, account=account) == "FORBIDDEN"
    assert refused(support, MARCH, MARCH + DAY) == "BAD_USER_INPUT"
    found = statement(support, MARCH, MARCH + DAY, account=account, userRef="ada")
    assert found["totals"]["adjusted"] == 5
    assert table(support, found["csvUrl"])[1][4] == "5"


@pytest.mark.parametrize(
    ("start", "end", "by"),
    [
        (MARCH, MARCH, "DAY"),
        (MARCH + DAY, MARCH, "DAY"),
        (MARCH, MARCH + 201 * HOUR, "HOUR"),
        (MARCH + timedelta(minutes=1), MARCH + DAY, "HOUR"),
        (MARCH + HOUR, MARCH + DAY, "DAY"),
        (MARCH, MARCH + DAY, "MONTH"),
        (datetime(9999, 1, 1, tzinfo=UTC), datetime(9999, 12, 1, tzinfo=UTC), "MONTH"),
    ],
)
def test_times_are_whole_intervals_and_not_too_many(acme: Partner, start: datetime, end: datetime, by: str) -> None:
    assert refused(acme, start, end, by) == "BAD_USER_INPUT"


def test_the_csv_has_the_rows_of_the_query(march: Partner) -> None:
    found = statement(march, MARCH, MARCH + 31 * DAY)
    columns, *rows = table(march, found["csvUrl"])
    assert [each.replace("_", "") for each in columns] == ["startsat", *(each.lower() for each in FIELDS)]
    assert rows == [[row["startsAt"], *(str(row["totals"][each]) for each in FIELDS)] for row in found["rows"]]


def test_the_csv_by_user_has_every_wallet_and_no_formula(acme: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.transport.credit_statement_csv._USERS_AT_ONCE", 2)
    names = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\tx", 'a,"b"\r\nc', "plain"]
    with acme.server.engine.begin() as conn:
        for name in names:
            entry(conn, acme.principal.account_id, MARCH, 1, name)
    address = f"{acme.server.url}/credits/statement.csv?by=user&from={written(MARCH)}&to={written(MARCH + DAY)}"
    columns, own, *rows = table(acme, address)
    assert columns[:3] == ["user_ref", "available_now", "held_now"]
    assert own[0] == ""
    assert {row[0] for row in rows} == {f"'{each}" if each[0] in "=+-@\t" else each for each in names}
    assert {row[1] for row in rows} == {"1"}


def test_the_csv_needs_a_key_and_a_whole_address(acme: Partner) -> None:
    address = f"{acme.server.url}/credits/statement.csv"
    whole = {"from": written(MARCH), "to": written(MARCH + DAY)}
    http, session = acme.server.http, acme.user()
    assert http.get(address, params=whole).status_code == 401
    assert http.get(address, params=whole, headers={"Authorization": "Bearer dio_key_x"}).status_code == 401
    assert http.post(address, params=whole, headers=acme.headers).status_code == 405
    assert http.get(address, params=whole | {"by": "user"}, headers=session.headers).status_code == 403
    assert http.get(address, params=whole, headers=session.headers).status_code == 200
    for wrong in ({"from": "x"}, {"by": "week"}, {"to": whole["from"]}, {"account": "x"}):
        response = http.get(address, params=whole | wrong, headers=acme.headers)
        assert response.status_code in (400, 403), wrong
        assert response.json()["errors"][0]["extensions"]["requestId"] == response.headers["x-request-id"]
    assert http.get(address, headers=acme.headers).status_code == 400
