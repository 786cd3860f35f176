"""Jobs as CSV: the jobs of the same filter, safe in a spreadsheet, from an address that opens nothing else."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from schema.ids import IdKind, decode_id, encode_id
from tests.schema.documents import make_avatar
from tests.support.partners import TO_FAILURE, TO_SUCCESS, Partner, move
from tests.support.serving import Caller

EXPORT = """
mutation ($filter: JobFilter, $lasts: Int) {
  exportJobs(input: {filter: $filter, expiresInSeconds: $lasts}) { url columns expiresAt userErrors { code path } }
}
"""
JOBS = """
query ($filter: JobFilter) {
  jobs(first: 100, filter: $filter) {
    edges { node {
      id kind state percent priority metadata costMicros createdAt finishedAt error { code message }
      credits { price held charged refunded } session { userRef } output { id } attempt
    } }
  }
}
"""


def exported(caller: Caller, **wanted: Any) -> Any:
    payload = caller.ask(EXPORT, filter=wanted or None, lasts=600)["exportJobs"]
    assert payload["userErrors"] == []
    return payload


def rows_at(caller: Caller, url: str) -> list[dict[str, str]]:
    response = caller.server.http.get(url)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert response.headers["content-disposition"] == 'attachment; filename="jobs.csv"'
    return list(csv.DictReader(io.StringIO(response.text, newline="")))


def rows(caller: Caller, **wanted: Any) -> list[dict[str, str]]:
    return rows_at(caller, exported(caller, **wanted)["url"])


def listed(caller: Caller, **wanted: Any) -> list[dict[str, Any]]:
    return [edge["node"] for edge in caller.ask(JOBS, filter=wanted or None)["jobs"]["edges"]]


def own_selfie(partner: Partner, user: Caller) -> str:
    session = user.ask("{ viewer { session { id } } }")["viewer"]["session"]["id"]
    return partner.asset(session_id=decode_id(session, IdKind.SESSION))


@pytest.fixture
def busy(acme: Partner, monkeypatch: pytest.MonkeyPatch) -> Partner:
    """Return a partner with jobs of its own and of a user, in pages of two."""
    monkeypatch.setattr("schema.exports.pages._AT_ONCE", 2)
    ada, selfie = acme.user("ada"), acme.asset()
    jobs = [make_avatar(acme, selfie, metadata={"order": str(number)}) for number in range(3)]
    hers = own_selfie(acme, ada)
    jobs += [make_avatar(ada, hers) for _ in range(2)]
    move(acme.server.engine, jobs[0], *TO_SUCCESS)
    move(acme.server.engine, jobs[1], *TO_FAILURE)
    return acme


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"states": ["FAILED", "SUCCEEDED"]},
        {"userRef": "ada"},
        {"metadata": {"contains": {"order": "2"}}},
        {"kinds": ["SCENE"]},
        {"createdAfter": "2020-01-01T00:00:00.000001Z", "finishedBefore": "2999-01-01T00:00:00Z"},
        {"errorCodes": ["CONTENT_REJECTED"], "costMicrosMin": 0},
    ],
)
def test_it_has_the_jobs_of_the_filter(busy: Partner, wanted: dict[str, Any]) -> None:
    found, expected = rows(busy, **wanted), listed(busy, **wanted)
    assert [row["id"] for row in found] == [job["id"] for job in expected]
    for row, job in zip(found, expected, strict=True):
        assert (row["kind"], row["state"], row["priority"]) == (job["kind"], job["state"], str(job["priority"]))
        assert row["user_ref"] == (job["session"]["userRef"] if job["session"] else "")
        assert row["output_id"] == (job["output"]["id"] if job["output"] else "")
        assert row["error_code"] == (job["error"]["code"] if job["error"] else "")
        assert row["provider_cost_micros"] == str(job["costMicros"])
        assert [row[f"credits_{name}"] for name in job["credits"]] == [str(each) for each in job["credits"].values()]
        assert (row["created_at"], row["finished_at"]) == (job["createdAt"], job["finishedAt"] or "")


def test_its_columns_are_those_of_the_payload(busy: Partner) -> None:
    made = exported(busy)
    assert busy.server.http.get(made["url"]).text.splitlines()[0] == ",".join(made["columns"])


def test_no_cell_is_a_formula(acme: Partner) -> None:
    evil = '=HYPERLINK("http://x")'
    user = acme.user(evil)
    make_avatar(user, own_selfie(acme, user))
    [row] = rows(acme)
    assert row["user_ref"] == f"'{evil}"


def test_a_session_exports_its_own_jobs_without_our_costs(busy: Partner) -> None:
    ada = busy.user("ada")
    found = rows(ada)
    assert [row["id"] for row in found] == [job["id"] for job in listed(ada)]
    assert {row["provider_cost_micros"] for row in found} == {""}
    assert ada.fail(EXPORT, filter={"models": ["maker/model"]}, lasts=600)["extensions"]["code"] == "FORBIDDEN"


def test_support_exports_one_account_or_all(busy: Partner, rival: Partner, support: Partner) -> None:
    rival_user = rival.user("ada")
    other = make_avatar(rival_user, own_selfie(rival, rival_user))
    account = encode_id(IdKind.ACCOUNT, rival.principal.account_id)
    assert [row["id"] for row in rows(support, account=account, userRef="ada")] == [other]
    assert support.fail(EXPORT, filter={"userRef": "ada"}, lasts=600)["extensions"]["code"] == "BAD_USER_INPUT"
    assert {other, listed(busy)[0]["id"]} <= {row["id"] for row in rows(support)}


def test_the_ticket_opens_one_address_only(busy: Partner, rival: Partner, support: Partner) -> None:
    url = exported(busy, states=["FAILED"])["url"]
    http = busy.server.http
    wrong = [
        url.replace("failed", "succeeded"),
        url.replace("&ticket=", "&account=x&ticket="),
        url.replace("jobs.csv", "user.zip"),
        url.partition("&ticket=")[0],
        url + "x",
        f"{busy.server.url}/exports/jobs.csv",
    ]
    for each in wrong:
        assert each != url
        assert http.get(each).status_code == 401, each
        assert http.get(each, headers=support.headers).status_code == 401, each
    assert http.post(url).status_code == 405
    assert http.get(url).status_code == 200
    assert rows(rival, states=["FAILED"]) == []


def test_the_ticket_ends_with_its_time_and_its_key(busy: Partner) -> None:
    url, session = exported(busy)["url"], busy.user("eve")
    hers = exported(session)["url"]
    assert [busy.server.http.get(each).status_code for each in (url, hers)] == [200, 200]
    session.ask("mutation { endSession(input: {}) { userErrors { code } } }")
    assert [busy.server.http.get(each).status_code for each in (url, hers)] == [200, 401]
    with busy.server.engine.begin() as conn:
        conn.execute(text("UPDATE stream_tickets SET expires_at = now()"))
    response = busy.server.http.get(url)
    assert (response.status_code, response.headers["cache-control"]) == (401, "no-store")
    for lasts in (59, 3601):
        assert busy.ask(EXPORT, lasts=lasts)["exportJobs"]["userErrors"][0]["code"] == "INVALID"


def test_too_many_at_once_are_refused(busy: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    url = exported(busy)["url"]
    for _ in range(10):
        assert busy.server.http.get(url).status_code == 200
    monkeypatch.setattr("schema.admission.fair_share.FairShare._has_place", lambda *_: False)
    response: httpx.Response = busy.server.http.get(url)
    assert (response.status_code, response.json()["errors"][0]["extensions"]["retryable"]) == (503, True)
