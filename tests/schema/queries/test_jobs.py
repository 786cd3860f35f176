"""Owners read a job and its output; the provider's words and the names of staff are for support only."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from sqlalchemy import text

from schema.ids import IdKind, decode_id
from statemachine.vocabulary import AttemptStatus, Event, State
from tests.schema.documents import CANCEL_JOB, CREATE_SCENE, make_avatar, make_story, new_key
from tests.support.partners import TO_FAILURE, TO_SUCCESS, Move, Partner, add_attempt, move


def test_an_output_has_an_address_that_expires(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    move(acme.server.engine, job_id, *TO_SUCCESS)
    document = """
    query ($id: ID!) {
      job(id: $id) {
        state percent finishedAt error { code }
        output { kind state width height sizeBytes sha256 url short: url(expiresInSeconds: 60) poster { id } }
      }
    }
    """
    job = acme.ask(document, id=job_id)["job"]
    assert (job["state"], job["percent"], job["error"]) == ("SUCCEEDED", 100, None)
    assert job["output"]["sizeBytes"] == 12345
    # Longer than requested by the window in which the address stays the same.
    assert "X-Amz-Expires=1500" in job["output"]["url"]
    assert "X-Amz-Expires=120" in job["output"]["short"]


def test_sizes_beyond_32_bits_are_returned(acme: Partner) -> None:
    asset = acme.ask("query ($id: ID!) { asset(id: $id) { sizeBytes } }", id=acme.asset())["asset"]
    assert asset["sizeBytes"] == 3_000_000_000


@pytest.mark.parametrize("seconds", [59, 86_401])
def test_an_address_lasts_from_a_minute_to_a_day(acme: Partner, seconds: int) -> None:
    document = "query ($id: ID!, $for: Int!) { asset(id: $id) { url(expiresInSeconds: $for) } }"
    assert acme.fail(document, **{"id": acme.asset(), "for": seconds})["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, r"avatar-\d{4}-\d\d-\d\d\.png"), ("Zoë's cat", r"Zoë's cat\.png"), ("cat.PNG", r"cat\.PNG")],
)
def test_a_saved_file_has_a_sensible_name(acme: Partner, given: str | None, expected: str) -> None:
    job_id = make_avatar(acme, acme.asset())
    move(acme.server.engine, job_id, *TO_SUCCESS)
    document = "query ($id: ID!, $name: String) { job(id: $id) { output { url(filename: $name) } } }"
    url = acme.ask(document, id=job_id, name=given)["job"]["output"]["url"]
    (disposition,) = parse_qs(urlsplit(url).query)["response-content-disposition"]
    assert re.fullmatch(expected, unquote(disposition.split("filename*=UTF-8''")[1]))


@pytest.mark.parametrize("name", ["", " ", "../etc/passwd", "a\\b", "a\nb", "x" * 101])
def test_a_name_that_no_file_can_have_is_refused(acme: Partner, name: str) -> None:
    document = "query ($id: ID!, $name: String!) { asset(id: $id) { url(filename: $name) } }"
    assert acme.fail(document, id=acme.asset(), name=name)["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("state", ["pending", "rejected", "deleted"])
def test_an_asset_that_is_not_ready_has_no_address(acme: Partner, state: str) -> None:
    asset = acme.ask("query ($id: ID!) { asset(id: $id) { url rejection } }", id=acme.asset(state=state))["asset"]
    assert asset == {"url": None, "rejection": "blurred" if state == "rejected" else None}


def test_the_providers_words_are_for_support_only(acme: Partner, support: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    add_attempt(acme.server.engine, job_id)
    move(acme.server.engine, job_id, *TO_FAILURE)
    document = """
    query ($id: ID!) {
      job(id: $id) {
        error { code message retryable detail }
        attempts { attempt model status predictionId reservedMicros detail }
        events(last: 1) { edges { node { reason error { detail } actor } } }
      }
    }
    """
    shown, whole = acme.ask(document, id=job_id)["job"], support.ask(document, id=job_id)["job"]
    assert shown["error"] == {
        "code": "CONTENT_REJECTED",
        "message": "It could not be made.",
        "retryable": False,
        "detail": None,
    }
    assert whole["error"]["detail"] == "words of the provider"
    assert shown["attempts"][0]["predictionId"] == f"prediction-{job_id}"
    assert (shown["attempts"][0]["detail"], whole["attempts"][0]["detail"]) == (None, "words of the provider")
    assert shown["events"]["edges"][0]["node"] == {"reason": None, "error": {"detail": None}, "actor": "worker"}
    assert whole["events"]["edges"][0]["node"]["reason"] == "a reason for support"


@pytest.mark.parametrize("status", AttemptStatus)
def test_a_page_of_jobs_shows_attempts_of_every_status(acme: Partner, status: AttemptStatus) -> None:
    job_id = make_avatar(acme, acme.asset())
    add_attempt(acme.server.engine, job_id)
    settle = text("UPDATE attempts SET status = :status, completed_at = now() WHERE job_id = :id")
    with acme.server.engine.begin() as conn:
        conn.execute(settle, {"status": status, "id": decode_id(job_id, IdKind.JOB)})
    [edge] = acme.ask("{ jobs(first: 5) { edges { node { attempts { status } } } } }")["jobs"]["edges"]
    assert edge["node"]["attempts"] == [{"status": status.name}]


def test_owners_do_not_see_the_names_of_staff(acme: Partner, support: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    support.ask(CANCEL_JOB, id=job_id)
    document = "query ($id: ID!) { job(id: $id) { events(last: 1) { edges { node { actor event } } } } }"
    node = acme.ask(document, id=job_id)["job"]["events"]["edges"][0]["node"]
    assert node == {"actor": "support", "event": "CANCEL_REQUESTED"}
    [edge] = support.ask(document, id=job_id)["job"]["events"]["edges"]
    assert edge["node"]["actor"] == f"support:{support.account} key"


def test_a_failure_that_is_retried_is_not_the_jobs_error(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    refused = Move(Event.REFUSED, State.QUEUED, due_in_s=30, error="provider_unavailable")
    move(acme.server.engine, job_id, TO_SUCCESS[0], refused)
    document = """
    query ($id: ID!) { job(id: $id) { error { code } events(last: 1) { edges { node { error { code retryable } } } } } }
    """
    job = acme.ask(document, id=job_id)["job"]
    assert job["error"] is None
    assert job["events"]["edges"][0]["node"]["error"] == {"code": "PROVIDER_UNAVAILABLE", "retryable": True}


def test_metadata_is_returned_unchanged(acme: Partner) -> None:
    given = {"chapterId": "ü", "scene": {"number": 2, "tags": [1, None, True, 2.5]}}
    job_id = make_avatar(acme, acme.asset(), metadata=given)
    assert acme.ask("query ($id: ID!) { job(id: $id) { metadata } }", id=job_id)["job"]["metadata"] == given


def test_children_are_returned_in_pages(acme: Partner) -> None:
    avatar = make_avatar(acme, acme.asset())
    given = {"avatarId": avatar, "theme": "neon-city"}
    scenes = [
        acme.ask(CREATE_SCENE, input={**given, "idempotencyKey": new_key()})["createScene"]["job"]["id"]
        for _ in range(3)
    ]
    document = """
    query ($id: ID!, $first: Int! = 20, $after: ID) {
      job(id: $id) { children(first: $first, after: $after) { id } parent { children { id } } }
    }
    """

    def children(**place: Any) -> list[str]:
        return [child["id"] for child in acme.ask(document, id=avatar, **place)["job"]["children"]]

    assert children() == scenes
    assert children(first=2) == scenes[:2]
    assert children(first=2, after=scenes[1]) == scenes[2:]
    for first in (0, 101):
        assert acme.fail(document, id=avatar, first=first)["extensions"]["code"] == "BAD_USER_INPUT"


def test_node_finds_everything_that_has_an_id(acme: Partner) -> None:
    story = make_story(acme, acme.asset())
    document = "query ($id: ID!) { node(id: $id) { __typename id } }"
    for node_id, kind in ((story["id"], "Story"), (story["scene"]["id"], "Job"), (acme.asset(), "Asset")):
        assert acme.ask(document, id=node_id)["node"] == {"__typename": kind, "id": node_id}


@pytest.mark.parametrize("wrong", ["", "job", "job_", "job_x", "JOB_00000000000000000000000000", "user_" + "0" * 26])
def test_a_malformed_id_is_reported_clearly(acme: Partner, wrong: str) -> None:
    for document in ("query ($id: ID!) { node(id: $id) { id } }", "query ($id: ID!) { job(id: $id) { id } }"):
        error = acme.fail(document, id=wrong)
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "id" in error["message"]


def test_many_relations_take_few_statements(acme: Partner, statements: list[str]) -> None:
    selfie = acme.asset()
    for _ in range(4):
        make_story(acme, selfie)
    document = """
    { jobs(first: 12) { edges { node {
        story { id state selfie { id } } parent { id story { id } } children { id } attempts { attempt }
        events(first: 3) { edges { node { seq } } } session { id } output { id } } } } }
    """
    statements.clear()
    assert len(acme.ask(document)["jobs"]["edges"]) == 12
    assert 5 < len(statements) < 20, "\n".join(statements)
