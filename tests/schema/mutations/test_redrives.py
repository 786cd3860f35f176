"""Support redrives jobs by a filter, sees how it goes, and stops it; all others find nothing."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.support.redrives import continue_redrives
from tests.schema.credits import selfie
from tests.schema.documents import make_avatar, new_key
from tests.support.partners import TO_FAILURE, TO_OUTAGE, Partner, move
from tests.support.serving import Server

REDRIVE = """
mutation ($input: RedriveJobsInput!) {
  redriveJobs(input: $input) {
    redrive { id state actor reason perMinute atMost matched begun account { name } }
    replayed userErrors { code path }
  }
}
"""
STOP = """
mutation ($id: ID!) { stopRedrive(input: {redriveId: $id}) { redrive { id state endedAt } userErrors { code path } } }
"""
REDRIVES = "{ redrives(first: 9) { edges { node { id state } } } }"
ONE = """
query ($id: ID!) {
  redrive(id: $id) {
    state begun revived skipped endedAt
    skippedCounts { code count } skippedJobs(first: 9) { edges { node { jobId code message } } }
  }
  node(id: $id) { id }
}
"""
COUNT = "query ($f: JobFilter!) { redrivableJobs(filter: $f) }"
AUDIT = (
    "{ auditEntries(first: 9, filter: {actions: [STOP_REDRIVE, REDRIVE_JOBS]}) { edges { node { action reason } } } }"
)


def redrive(support: Partner, wanted: dict[str, Any], **options: Any) -> dict[str, Any]:
    given = {"filter": wanted, "idempotencyKey": new_key(), **options}
    payload = support.ask(REDRIVE, input=given)["redriveJobs"]
    assert payload["userErrors"] == []
    found: dict[str, Any] = payload["redrive"]
    return found


def carry_out(support: Partner, redrive_id: str) -> None:
    """Let a redrive go on to its end; redrives of other tests go on beside it."""
    while support.ask(ONE, id=redrive_id)["redrive"]["state"] == "RUNNING":
        continue_redrives(support.server.engine)


def test_support_counts_and_redrives_jobs_and_sees_what_was_skipped(
    acme: Partner, support: Partner, server: Server
) -> None:
    ada = acme.user("ada", credits=4)
    jobs = [make_avatar(ada, selfie(acme, ada)) for _ in range(2)]
    for job_id in jobs:
        move(server.engine, job_id, *TO_FAILURE)
    assert support.ask(COUNT, f={"ids": jobs})["redrivableJobs"] == 2
    began = redrive(support, {"ids": jobs}, perMinute=6000, reason="the outage")
    assert (began["state"], began["matched"], began["begun"], began["account"]) == ("RUNNING", 2, 0, None)
    assert (began["actor"], began["reason"]) == (f"support:{support.account} key", "the outage")
    # The moves above are not a worker's: they release no credits, so the holds stay and the wallet is empty.
    carry_out(support, began["id"])
    seen = support.ask(ONE, id=began["id"])
    assert seen["node"] == {"id": began["id"]}
    assert (seen["redrive"]["state"], seen["redrive"]["begun"], seen["redrive"]["skipped"]) == ("FINISHED", 0, 2)
    assert seen["redrive"]["skippedCounts"] == [{"code": "INSUFFICIENT_CREDITS", "count": 2}]
    assert [edge["node"]["jobId"] for edge in seen["redrive"]["skippedJobs"]["edges"]] == jobs
    listed = support.ask(REDRIVES)["redrives"]["edges"]
    assert {"node": {"id": began["id"], "state": "FINISHED"}} in listed


def test_support_redrives_one_account(acme: Partner, rival: Partner, support: Partner) -> None:
    jobs = [make_avatar(each, each.asset()) for each in (acme, rival)]
    for job_id in jobs:
        move(acme.server.engine, job_id, *TO_OUTAGE)
    viewed = acme.ask("{ viewer { account { id } } }")["viewer"]["account"]["id"]
    began = redrive(support, {"account": viewed}, perMinute=6000)
    assert (began["account"], began["matched"]) == ({"name": acme.account}, 1)
    carry_out(support, began["id"])
    states = {
        each: support.ask("query ($id: ID!) { job(id: $id) { state } }", id=each)["job"]["state"] for each in jobs
    }
    assert states == {jobs[0]: "QUEUED", jobs[1]: "FAILED"}


def test_a_redrive_is_stopped_once_and_both_are_audited(acme: Partner, support: Partner) -> None:
    began = redrive(support, {"ids": [make_avatar(acme, acme.asset())]}, reason="a try")
    stopped = support.ask(STOP, id=began["id"])["stopRedrive"]
    assert (stopped["redrive"]["state"], stopped["redrive"]["endedAt"] is None) == ("STOPPED", False)
    again = support.ask(STOP, id=began["id"])["stopRedrive"]
    assert again["userErrors"] == [{"code": "ALREADY_FINISHED", "path": ["input", "redriveId"]}]
    found = [edge["node"] for edge in support.ask(AUDIT)["auditEntries"]["edges"]]
    assert found[:2] == [{"action": "STOP_REDRIVE", "reason": None}, {"action": "REDRIVE_JOBS", "reason": "a try"}]


@pytest.mark.parametrize(
    "change", [{"perMinute": 7}, {"atMost": 3}, {"reason": "another"}, {"filter": {"kinds": ["SCENE"]}}]
)
def test_jobs_are_redriven_once_for_a_key(acme: Partner, support: Partner, change: dict[str, Any]) -> None:
    given = {"filter": {"ids": [make_avatar(acme, acme.asset())]}, "idempotencyKey": new_key()}
    began = support.ask(REDRIVE, input=given)["redriveJobs"]
    again = support.ask(REDRIVE, input=given)["redriveJobs"]
    assert (again["redrive"]["id"], began["replayed"], again["replayed"]) == (began["redrive"]["id"], False, True)
    other = support.ask(REDRIVE, input={**given, **change})["redriveJobs"]
    assert other["userErrors"] == [{"code": "IDEMPOTENCY_KEY_REUSED", "path": ["input", "idempotencyKey"]}]


def test_wrong_input_is_explained(support: Partner) -> None:
    for wrong, path in (
        ({"filter": {"states": ["SUCCEEDED"]}}, ["input", "filter", "states"]),
        ({"filter": {}, "perMinute": 0}, ["input", "perMinute"]),
        ({"filter": {}, "atMost": 0}, ["input", "atMost"]),
    ):
        payload = support.ask(REDRIVE, input={**wrong, "idempotencyKey": new_key()})["redriveJobs"]
        assert payload["userErrors"] == [{"code": "INVALID", "path": path}]


def test_only_support_redrives_and_sees_redrives(acme: Partner, support: Partner) -> None:
    began = redrive(support, {"ids": [make_avatar(acme, acme.asset())]})
    for caller in (acme, acme.user()):
        given = {"filter": {}, "idempotencyKey": new_key()}
        for document, variables in (
            (REDRIVE, {"input": given}),
            (STOP, {"id": began["id"]}),
            (REDRIVES, {}),
            (COUNT, {"f": {}}),
            ("query ($id: ID!) { redrive(id: $id) { id } }", {"id": began["id"]}),
        ):
            assert caller.fail(document, **variables)["extensions"]["code"] == "FORBIDDEN"
        assert caller.ask("query ($id: ID!) { node(id: $id) { id } }", id=began["id"])["node"] is None


def test_an_end_user_does_not_filter_by_model_or_cost(acme: Partner) -> None:
    jobs = "query ($f: JobFilter!) { jobs(first: 9, filter: $f) { edges { node { id } } } }"
    for wanted in ({"models": ["a/b"]}, {"costMicrosMin": "1"}, {"costMicrosMax": "1"}):
        assert acme.ask(jobs, f=wanted)["jobs"]["edges"] is not None
        assert acme.user().fail(jobs, f=wanted)["extensions"]["code"] == "FORBIDDEN"
