"""Only support may redrive by filter, pause steps and review compensations through the API."""

from __future__ import annotations

from sqlalchemy import text

from schema.ids import IdKind, decode_id
from tests.schema.documents import make_avatar, new_key
from tests.support.partners import TO_FAILURE, TO_OUTAGE, TO_SUCCESS, Partner, move
from tests.support.serving import Server

RETRY = """
mutation ($id: ID!, $key: String!) {
  retryJob(input: {jobId: $id, idempotencyKey: $key}) {
    job { id state credits { held } } revived replayed userErrors { code path message }
  }
}
"""
PAUSE = """
mutation ($step: PipelineStep!) {
  pauseStep(input: {step: $step, reason: "the models are ill"}) { pause { pausedBy reason } userErrors { code } }
}
"""
RESUME = "mutation ($step: PipelineStep!) { resumeStep(input: {step: $step}) { wasPaused userErrors { code } } }"
STEPS = "{ steps { step due oldestDueAt inFlight abandoned pause { reason } } }"
COMPENSATIONS = """
query ($filter: CompensationFilter, $first: Int = 10, $after: String) {
  compensations(first: $first, after: $after, filter: $filter) {
    edges { cursor node { action state tries lastError reviewedBy reviewNote job { id } } }
  }
}
"""
REVIEW = """
mutation ($id: ID!, $decision: ReviewDecision!) {
  reviewCompensation(input: {jobId: $id, action: CANCEL_PREDICTION, decision: $decision, note: "seen"}) {
    compensation { state reviewedBy reviewNote } userErrors { code path }
  }
}
"""
WAITING = "query ($id: ID!) { job(id: $id) { waitingBecause { kind message } } }"


def test_an_owner_retries_a_failed_job(acme: Partner, rival: Partner, server: Server) -> None:
    job_id = make_avatar(acme, acme.asset())
    assert acme.ask(RETRY, id=job_id, key=new_key())["retryJob"]["userErrors"][0]["code"] == "NOT_READY"
    move(server.engine, job_id, *TO_OUTAGE)
    assert rival.ask(RETRY, id=job_id, key=new_key())["retryJob"]["userErrors"][0]["code"] == "NOT_FOUND"
    payload = acme.ask(RETRY, id=job_id, key=new_key())["retryJob"]
    assert payload["revived"] == [job_id]
    assert payload["job"]["state"] == "QUEUED"


def test_a_job_that_succeeded_is_not_retried(acme: Partner, server: Server) -> None:
    job_id = make_avatar(acme, acme.asset())
    move(server.engine, job_id, *TO_SUCCESS)
    assert acme.ask(RETRY, id=job_id, key=new_key())["retryJob"]["userErrors"][0]["code"] == "ALREADY_FINISHED"


def test_a_retry_whose_selfie_was_purged_asks_for_a_new_upload(acme: Partner, server: Server) -> None:
    selfie_id = acme.asset()
    job_id = make_avatar(acme, selfie_id)
    move(server.engine, job_id, *TO_OUTAGE)
    with server.engine.begin() as conn:
        gone = {"id": decode_id(selfie_id, IdKind.ASSET)}
        conn.execute(text("UPDATE assets SET state = 'deleted' WHERE id = :id"), gone)
    [error] = acme.ask(RETRY, id=job_id, key=new_key())["retryJob"]["userErrors"]
    assert (error["code"], error["path"]) == ("INPUT_EXPIRED", ["input", "jobId"])
    assert "Upload it again" in error["message"]


def test_a_paused_step_is_the_reason_why_its_jobs_wait(acme: Partner, support: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    assert acme.fail(PAUSE, step="SUBMIT")["extensions"]["code"] == "FORBIDDEN"
    try:
        paused = support.ask(PAUSE, step="SUBMIT")["pauseStep"]["pause"]
        assert paused == {"pausedBy": f"support:{support.account} key", "reason": "the models are ill"}
        assert acme.ask(WAITING, id=job_id)["job"]["waitingBecause"]["kind"] == "PAUSED"
        status = {each["step"]: each for each in support.ask(STEPS)["steps"]}
        assert status["SUBMIT"]["pause"] == {"reason": "the models are ill"}
        assert status["SUBMIT"]["due"] >= 1
        assert status["POLL"]["pause"] is None
    finally:
        assert support.ask(RESUME, step="SUBMIT")["resumeStep"]["wasPaused"]
    assert acme.ask(WAITING, id=job_id)["job"]["waitingBecause"]["kind"] == "QUEUE"
    assert acme.fail(STEPS)["extensions"]["code"] == "FORBIDDEN"


def test_support_reviews_an_action_that_failed_for_good(acme: Partner, support: Partner, server: Server) -> None:
    job_id = make_avatar(acme, acme.asset())
    move(server.engine, job_id, *TO_FAILURE)
    with server.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO compensation_actions (job_id, cycle, attempt, action, state, tries, last_error) "
                "VALUES (:id, 1, 1, 'cancel_prediction', 'needs_review', 6, 'HTTP 503')"
            ),
            {"id": decode_id(job_id, IdKind.JOB)},
        )
    in_review = {"jobId": job_id, "states": ["NEEDS_REVIEW"]}
    found = support.ask(COMPENSATIONS, filter=in_review)["compensations"]["edges"]
    assert [(edge["node"]["action"], edge["node"]["lastError"], edge["node"]["job"]) for edge in found] == [
        ("CANCEL_PREDICTION", "HTTP 503", {"id": job_id})
    ]
    after = support.ask(COMPENSATIONS, filter=in_review, after=found[0]["cursor"])["compensations"]["edges"]
    assert after == []
    assert acme.fail(COMPENSATIONS)["extensions"]["code"] == "FORBIDDEN"
    assert acme.fail(REVIEW, id=job_id, decision="WAIVE")["extensions"]["code"] == "FORBIDDEN"
    reviewed = support.ask(REVIEW, id=job_id, decision="WAIVE")["reviewCompensation"]["compensation"]
    assert reviewed == {"state": "WAIVED", "reviewedBy": f"support:{support.account} key", "reviewNote": "seen"}
    again = support.ask(REVIEW, id=job_id, decision="RETRY")["reviewCompensation"]
    assert again["userErrors"] == [{"code": "ALREADY_FINISHED", "path": ["input", "action"]}]
