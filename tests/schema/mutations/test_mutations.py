"""Requests make jobs, once per key, or are refused with user errors that name the wrong input."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from schema.ids import IdKind, encode_id
from tests.schema.documents import (
    CANCEL_JOB,
    CREATE_ANIMATION,
    CREATE_AVATAR,
    CREATE_SCENE,
    CREATE_STORY,
    make_avatar,
    make_story,
    new_key,
)
from tests.support.eventually import eventually, scaled
from tests.support.partners import PARENT_READY, TO_FAILURE, TO_SUCCESS, Partner, move


def _refusals(payload: dict[str, Any]) -> list[tuple[str, list[str]]]:
    assert payload.get("job") is None
    assert payload.get("story") is None
    return [(error["code"], error["path"]) for error in payload["userErrors"]]


def _story(caller: Partner, **given: Any) -> dict[str, Any]:
    whole = {"selfieId": None, "theme": "neon-city", "idempotencyKey": new_key(), **given}
    payload: dict[str, Any] = caller.ask(CREATE_STORY, input=whole)["createStory"]
    return payload


def test_a_story_has_an_avatar_a_scene_and_an_animation(acme: Partner) -> None:
    document = """
    query ($id: ID!) {
      story(id: $id) {
        state percent finishedAt createdAt
        selfie { id kind }
        avatar { kind state parent { id } story { id } }
        scene { kind state theme { key name } parent { kind } waitingBecause { kind until message } }
        animation { kind state parent { kind } children { id } }
      }
    }
    """
    selfie = acme.asset()
    story_id = make_story(acme, selfie, metadata={"chapter": 1})["id"]
    story = acme.ask(document, id=story_id)["story"]
    assert (story["state"], story["percent"], story["finishedAt"]) == ("QUEUED", 0, None)
    assert story["selfie"] == {"id": selfie, "kind": "SELFIE"}
    assert story["avatar"] == {"kind": "AVATAR", "state": "QUEUED", "parent": None, "story": {"id": story_id}}
    assert story["scene"]["parent"] == {"kind": "AVATAR"}
    assert story["scene"]["theme"] == {"key": "neon-city", "name": "Neon City"}
    assert story["scene"]["waitingBecause"]["kind"] == "PARENT"
    assert story["animation"] == {"kind": "ANIMATION", "state": "WAITING", "parent": {"kind": "SCENE"}, "children": []}


def test_a_story_without_animation_stops_at_the_scene(acme: Partner) -> None:
    assert make_story(acme, acme.asset(), animation=None)["animation"] is None


def test_the_percent_of_a_story_is_weighted(acme: Partner) -> None:
    with_animation, without = make_story(acme, acme.asset()), make_story(acme, acme.asset(), animation=None)
    for story in (with_animation, without):
        move(acme.server.engine, story["avatar"]["id"], *TO_SUCCESS[:4])
    percent = "query ($id: ID!) { story(id: $id) { percent state } }"
    assert acme.ask(percent, id=with_animation["id"])["story"] == {"percent": 18, "state": "GENERATING"}
    assert acme.ask(percent, id=without["id"])["story"] == {"percent": 30, "state": "GENERATING"}


def test_an_avatar_is_queued(acme: Partner) -> None:
    payload = acme.ask(CREATE_AVATAR, input={"selfieId": acme.asset(), "idempotencyKey": new_key()})["createAvatar"]
    assert payload["job"] | {"id": "", "cursor": ""} == {
        "id": "",
        "kind": "AVATAR",
        "state": "QUEUED",
        "percent": 0,
        "cursor": "",
        "output": None,
    }
    assert (payload["replayed"], payload["userErrors"]) == (False, [])


@pytest.mark.parametrize("done", [True, False])
def test_a_scene_is_made_from_the_job_of_its_avatar(acme: Partner, done: bool) -> None:
    avatar_job = make_avatar(acme, acme.asset())
    if done:
        move(acme.server.engine, avatar_job, *TO_SUCCESS)
    given = {"avatarId": avatar_job, "theme": "neon-city", "idempotencyKey": new_key()}
    job = acme.ask(CREATE_SCENE, input=given)["createScene"]["job"]
    assert (job["state"], job["parent"]) == ("QUEUED" if done else "WAITING", {"id": avatar_job})


def test_a_scene_is_made_from_an_avatar(acme: Partner) -> None:
    given = {"avatarId": acme.asset("avatar"), "theme": "neon-city", "idempotencyKey": new_key(), "details": "a cat"}
    job = acme.ask(CREATE_SCENE, input=given)["createScene"]["job"]
    assert (job["kind"], job["state"], job["parent"]) == ("SCENE", "QUEUED", None)


def test_an_animation_is_made_from_a_scene_or_its_job(acme: Partner) -> None:
    given = {"avatarId": acme.asset("avatar"), "theme": "neon-city", "idempotencyKey": new_key()}
    scene_job = acme.ask(CREATE_SCENE, input=given)["createScene"]["job"]["id"]
    for scene_id, state in ((acme.asset("scene"), "QUEUED"), (scene_job, "WAITING")):
        options = {"style": "WAVE", "camera": "PUSH_IN"}
        wanted = {"sceneId": scene_id, "idempotencyKey": new_key(), "options": options}
        job = acme.ask(CREATE_ANIMATION, input=wanted)["createAnimation"]["job"]
        assert (job["kind"], job["state"]) == ("ANIMATION", state)


def test_a_user_error_names_the_path_of_the_wrong_input(acme: Partner) -> None:
    selfie, unknown = acme.asset(), encode_id(IdKind.ASSET, acme.principal.account_id)
    for given, code, path in (
        ({"selfieId": "nonsense"}, "INVALID", ["input", "selfieId"]),
        ({"selfieId": unknown.replace("asset", "job")}, "INVALID", ["input", "selfieId"]),
        ({"selfieId": unknown}, "NOT_FOUND", ["input", "selfieId"]),
        ({"selfieId": acme.asset("avatar")}, "NOT_FOUND", ["input", "selfieId"]),
        ({"selfieId": acme.asset(state="pending")}, "NOT_READY", ["input", "selfieId"]),
        ({"selfieId": selfie, "theme": "nowhere"}, "INVALID", ["input", "theme"]),
        ({"selfieId": selfie, "details": "x" * 301}, "INVALID", ["input", "details"]),
        ({"selfieId": selfie, "idempotencyKey": ""}, "INVALID", ["input", "idempotencyKey"]),
        ({"selfieId": selfie, "idempotencyKey": "k" * 256}, "INVALID", ["input", "idempotencyKey"]),
        ({"selfieId": selfie, "priority": 11}, "INVALID", ["input", "priority"]),
        ({"selfieId": selfie, "metadata": {"x": "y" * 5000}}, "INVALID", ["input", "metadata"]),
        ({"selfieId": selfie, "metadata": [1]}, "INVALID", ["input", "metadata"]),
        ({"selfieId": selfie, "waitSeconds": 56}, "INVALID", ["input", "waitSeconds"]),
        ({"selfieId": selfie, "waitSeconds": -1}, "INVALID", ["input", "waitSeconds"]),
        (
            {"selfieId": selfie, "animation": {"durationSeconds": 7}},
            "INVALID",
            ["input", "animation", "durationSeconds"],
        ),
    ):
        payload = _story(acme, **given)
        assert _refusals(payload) == [(code, path)], given
        assert payload["userErrors"][0]["__typename"] == "PlainUserError"
        assert payload["userErrors"][0]["message"]


def test_ten_seconds_need_the_paid_tier(acme: Partner) -> None:
    given = {"sceneId": acme.asset("scene"), "options": {"durationSeconds": 10}}
    refused = acme.user().ask(CREATE_ANIMATION, input={**given, "idempotencyKey": new_key()})["createAnimation"]
    assert _refusals(refused) == [("TIER_REQUIRED", ["input", "options", "durationSeconds"])]
    assert acme.ask(CREATE_ANIMATION, input={**given, "idempotencyKey": new_key()})["createAnimation"]["job"]


def test_without_credits_nothing_is_made(acme: Partner) -> None:
    poor = acme.user("poor", credits=1)
    with acme.server.engine.connect() as conn:
        session_id = conn.exec_driver_sql("SELECT id FROM sessions WHERE user_ref = 'poor' ORDER BY id DESC").scalar()
    document = """
    mutation ($input: CreateStoryInput!) {
      createStory(input: $input) {
        story { id } userErrors { code path ... on InsufficientCreditsError { required available } }
      }
    }
    """
    given = {"selfieId": acme.asset(session_id=session_id), "theme": "neon-city", "idempotencyKey": new_key()}
    payload = poor.ask(document, input=given)["createStory"]
    [error] = payload["userErrors"]
    assert (payload["story"], error["code"], error["path"]) == (None, "INSUFFICIENT_CREDITS", ["input"])
    assert error["required"] > error["available"] == 1
    assert poor.ask("{ jobs(first: 1) { edges { cursor } } }")["jobs"]["edges"] == []


def test_a_source_is_an_asset_or_a_job_of_the_right_kind(acme: Partner) -> None:
    story_id, failed = make_story(acme, acme.asset())["id"], make_avatar(acme, acme.asset())
    move(acme.server.engine, failed, *TO_FAILURE)
    for avatar_id, code in (
        ("nonsense", "INVALID"),
        (story_id, "INVALID"),
        (acme.asset("selfie"), "NOT_FOUND"),
        (encode_id(IdKind.JOB, acme.principal.account_id), "NOT_FOUND"),
        (failed, "NOT_READY"),
    ):
        given = {"avatarId": avatar_id, "theme": "neon-city", "idempotencyKey": new_key()}
        assert _refusals(acme.ask(CREATE_SCENE, input=given)["createScene"]) == [(code, ["input", "avatarId"])]


def test_the_same_key_gets_the_live_job(acme: Partner) -> None:
    given = {"selfieId": acme.asset(), "idempotencyKey": new_key()}
    first = acme.ask(CREATE_AVATAR, input=given)["createAvatar"]
    move(acme.server.engine, first["job"]["id"], *TO_SUCCESS[:3])
    again = acme.ask(CREATE_AVATAR, input=given)["createAvatar"]
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert again["job"]["id"] == first["job"]["id"]
    assert (again["job"]["state"], again["job"]["percent"]) == ("GENERATING", 30)


def test_a_key_cannot_be_reused_for_another_request(acme: Partner) -> None:
    given = {"selfieId": acme.asset(), "idempotencyKey": new_key()}
    acme.ask(CREATE_AVATAR, input=given)
    other = acme.ask(CREATE_AVATAR, input={**given, "priority": 3})["createAvatar"]
    assert _refusals(other) == [("IDEMPOTENCY_KEY_REUSED", ["input", "idempotencyKey"])]


def test_a_refused_request_does_not_use_up_its_key(acme: Partner) -> None:
    given = {"idempotencyKey": new_key()}
    assert _refusals(_story(acme, selfieId=acme.asset(state="pending"), **given)) == [
        ("NOT_READY", ["input", "selfieId"])
    ]
    assert _story(acme, selfieId=acme.asset(), **given)["story"] is not None


def test_one_key_sent_at_once_makes_one_job(acme: Partner) -> None:
    given = {"selfieId": acme.asset(), "idempotencyKey": new_key()}
    payloads: list[dict[str, Any]] = []

    def send() -> None:
        payloads.append(acme.ask(CREATE_AVATAR, input=given)["createAvatar"])

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each["job"]["id"] for each in payloads}) == 1
    assert sorted(each["replayed"] for each in payloads) == [False] + [True] * 5


def test_a_cancel_also_ends_the_jobs_that_wait_for_it(acme: Partner) -> None:
    story = make_story(acme, acme.asset())
    canceled = acme.ask(CANCEL_JOB, id=story["avatar"]["id"])["cancelJob"]
    assert (canceled["job"]["state"], canceled["userErrors"]) == ("COMPENSATING", [])
    states = acme.ask("query ($id: ID!) { story(id: $id) { scene { state } animation { state } } }", id=story["id"])
    assert states["story"] == {"scene": {"state": "COMPENSATING"}, "animation": {"state": "COMPENSATING"}}


def test_a_job_that_has_ended_cannot_be_canceled(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    move(acme.server.engine, job_id, *TO_SUCCESS)
    [error] = acme.ask(CANCEL_JOB, id=job_id)["cancelJob"]["userErrors"]
    assert (error["code"], error["path"]) == ("ALREADY_FINISHED", ["input", "jobId"])
    [error] = acme.ask(CANCEL_JOB, id="nonsense")["cancelJob"]["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID", ["input", "jobId"])


def test_a_mutation_returns_the_state_after_it(acme: Partner) -> None:
    given = {"selfieId": acme.asset(), "idempotencyKey": new_key()}
    job_id = acme.ask(CREATE_AVATAR, input=given)["createAvatar"]["job"]["id"]
    document = """
    mutation ($input: CreateAvatarInput!, $id: ID!) {
      before: createAvatar(input: $input) { job { state } }
      cancelJob(input: {jobId: $id}) { userErrors { code } }
      after: createAvatar(input: $input) { job { state } }
    }
    """
    payload = acme.ask(document, input=given, id=job_id)
    assert (payload["before"]["job"]["state"], payload["after"]["job"]["state"]) == ("QUEUED", "COMPENSATING")


def test_mutations_run_one_after_another_and_see_earlier_changes(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    document = """
    mutation ($id: ID!) {
      first: cancelJob(input: {jobId: $id}) { job { state } userErrors { code } }
      second: cancelJob(input: {jobId: $id}) { job { state } userErrors { code } }
    }
    """
    payload = acme.ask(document, id=job_id)
    assert payload["first"] == {"job": {"state": "COMPENSATING"}, "userErrors": []}
    assert payload["second"] == {"job": None, "userErrors": [{"code": "ALREADY_FINISHED"}]}


def test_a_mutation_waits_for_the_end_as_long_as_requested(acme: Partner) -> None:
    given = {"selfieId": acme.asset(), "idempotencyKey": new_key(), "waitSeconds": 30}
    payloads: list[dict[str, Any]] = []

    def send() -> None:
        payloads.append(acme.ask(CREATE_AVATAR, input=given)["createAvatar"])

    sender = threading.Thread(target=send)
    sender.start()
    jobs = "{ jobs(first: 1) { edges { node { id } } } }"
    eventually(lambda: acme.ask(jobs)["jobs"]["edges"] != [])
    move(acme.server.engine, acme.ask(jobs)["jobs"]["edges"][0]["node"]["id"], *TO_SUCCESS)
    sender.join(scaled(10))
    assert payloads[0]["job"]["state"] == "SUCCEEDED"
    assert payloads[0]["job"]["output"]["kind"] == "AVATAR"


def test_a_wait_that_times_out_returns_the_unfinished_job(acme: Partner) -> None:
    given = {"selfieId": acme.asset(), "idempotencyKey": new_key(), "waitSeconds": 1}
    assert acme.ask(CREATE_AVATAR, input=given)["createAvatar"]["job"]["state"] == "QUEUED"


def test_a_mutation_waits_for_the_last_job_of_a_story(acme: Partner) -> None:
    story = make_story(acme, acme.asset(), animation=None, idempotencyKey="sent-twice")
    for part in ("avatar", "scene"):
        move(acme.server.engine, story[part]["id"], *(() if part == "avatar" else (PARENT_READY,)), *TO_SUCCESS)
    given = {"animation": None, "idempotencyKey": "sent-twice", "waitSeconds": 55}
    selfie = acme.ask("query ($id: ID!) { story(id: $id) { selfie { id } } }", id=story["id"])["story"]["selfie"]["id"]
    payload = _story(acme, selfieId=selfie, **given)
    assert (payload["replayed"], payload["story"]["state"], payload["story"]["percent"]) == (True, "SUCCEEDED", 100)
