"""Support finds a job by whatever a complaint or a log line names, and sees the prompt that was sent for it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from jobs.prompts import PromptBook
from schema.ids import IdKind, decode_id
from statemachine.vocabulary import Kind
from tests.jobs.prompts.making import job_of
from tests.schema.credits import selfie
from tests.schema.documents import CREATE_AVATAR, CREATE_STORY, make_story, new_key
from tests.support.partners import Partner, add_attempt
from tests.support.serving import Caller

BY_REQUEST = """
query ($id: String!) { jobs(first: 9, filter: {requestId: $id}, orderBy: OLDEST) { edges { node { id requestId } } } }
"""
BY_ID = """
query ($node: ID!, $job: ID!, $story: ID!, $asset: ID!) {
  node(id: $node) { id } job(id: $job) { id } story(id: $story) { id } asset(id: $asset) { id }
}
"""
PROMPTS = "query ($id: ID!) { job(id: $id) { attempts { prompt } } }"


def bare(public_id: str) -> str:
    return str(decode_id(public_id, IdKind(public_id.partition("_")[0])))


def by_request(caller: Caller, request_id: str) -> list[str]:
    edges = caller.ask(BY_REQUEST, id=request_id)["jobs"]["edges"]
    assert {edge["node"]["requestId"] for edge in edges} <= {request_id}
    return [edge["node"]["id"] for edge in edges]


def test_the_jobs_of_a_request_are_found_by_its_id(acme: Partner, rival: Partner, support: Partner) -> None:
    given = {"selfieId": acme.asset(), "theme": "neon-city", "idempotencyKey": new_key()}
    request_id = f"order.{new_key()}"
    response = acme.post(CREATE_STORY, {"input": given}, **{"X-Request-Id": request_id})
    story = response.json()["data"]["createStory"]["story"]
    jobs = [story[kind]["id"] for kind in ("avatar", "scene", "animation")]
    assert by_request(support, request_id) == by_request(acme, request_id) == jobs
    assert by_request(rival, request_id) == []
    acme.ask("mutation ($id: ID!) { deleteStory(input: {storyId: $id}) { deletion { id } } }", id=story["id"])
    assert by_request(support, request_id) == []
    # The same request again makes nothing, so its own id finds nothing.
    acme.post(CREATE_STORY, {"input": given}, **{"X-Request-Id": f"{request_id}-again"})
    assert by_request(support, f"{request_id}-again") == []


def test_a_request_without_an_id_of_its_own_is_found_by_the_id_of_its_response(acme: Partner, support: Partner) -> None:
    response = acme.post(CREATE_AVATAR, {"input": {"selfieId": acme.asset(), "idempotencyKey": new_key()}})
    job_id = response.json()["data"]["createAvatar"]["job"]["id"]
    assert by_request(support, response.headers["X-Request-Id"]) == [job_id]


def test_support_finds_anything_by_the_bare_uuid(acme: Partner, support: Partner) -> None:
    asset = acme.asset()
    story = make_story(acme, asset)
    ids = {"node": story["id"], "job": story["avatar"]["id"], "story": story["id"], "asset": asset}
    uuids = {name: bare(each) for name, each in ids.items()}
    expected = {name: {"id": each} for name, each in ids.items()}
    assert support.ask(BY_ID, **uuids) == support.ask(BY_ID, **ids) == expected
    assert support.ask(BY_ID, **{**uuids, "node": uuids["asset"]})["node"] == {"id": asset}
    unknown = "0190c8a0-0000-7000-8000-000000000000"
    assert set(support.ask(BY_ID, **dict.fromkeys(ids, unknown)).values()) == {None}
    assert acme.fail(BY_ID, **uuids)["extensions"]["code"] == "BAD_USER_INPUT"


def prompts(caller: Caller, job_id: str) -> Any:
    return caller.ask(PROMPTS, id=job_id)["job"]["attempts"]


def test_support_alone_sees_the_prompt_that_was_sent(acme: Partner, support: Partner) -> None:
    ada = acme.user()
    scene = make_story(ada, selfie(acme, ada), details="a red kite")["scene"]["id"]
    sent = PromptBook().prompt_for(job_of(Kind.SCENE, details="a red kite"), "gpt-image-2")
    assert "a red kite" in sent.text
    add_attempt(acme.server.engine, scene)
    row = {"id": decode_id(scene, IdKind.JOB), "version": sent.version}
    with acme.server.engine.begin() as conn:
        conn.execute(text("UPDATE attempts SET prompt_version = :version WHERE job_id = :id"), row)
    assert prompts(support, scene) == [{"prompt": sent.text}]
    assert prompts(acme, scene) == [{"prompt": None}]
    assert prompts(ada, scene) is None
    with acme.server.engine.begin() as conn:
        conn.execute(text("UPDATE job_requests SET details = NULL, erased_at = now() WHERE job_id = :id"), row)
    assert prompts(support, scene) == [{"prompt": None}]


def test_an_attempt_whose_template_has_changed_has_no_prompt(acme: Partner, support: Partner) -> None:
    avatar = make_story(acme, acme.asset())["avatar"]["id"]
    add_attempt(acme.server.engine, avatar)
    assert prompts(support, avatar) == [{"prompt": None}]
