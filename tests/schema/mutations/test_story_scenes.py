"""One story has one avatar and several scenes, each with its own videos, in one request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from statemachine.vocabulary import Event
from tests.schema.credits import balance, selfie
from tests.schema.documents import CREATE_SCENE, CREATE_STORY, make_story, new_key
from tests.schema.mutations.test_batch_objects import create
from tests.schema.mutations.test_deletions import DELETE_STORY
from tests.schema.mutations.test_story_commands import CANCEL, RETRY
from tests.schema.queries.test_stories import STORIES
from tests.support.partners import PARENT_READY, TO_FAILURE, TO_OUTAGE, TO_SUCCESS, Partner, move
from tests.support.serving import Caller

# Two scenes: the first has two videos, the second has none.
SCENES: list[dict[str, Any]] = [
    {"theme": "neon-city", "details": "rain", "animations": [{"style": "WAVE"}, {"camera": "STATIC"}]},
    {"theme": "moon-base", "animations": []},
]
KINDS = ["AVATAR", "SCENE", "ANIMATION", "ANIMATION", "SCENE"]
STORY = """
query ($id: ID!) {
  story(id: $id) {
    state percent finishedAt error { code retryable } theme { key } avatar { id } scene { id } animation { id }
    scenes { id } animations { id }
    jobs {
      id kind state priority parent { id } children(first: 9) { id } story { id } theme { key } metadata
      request { details onFailure options { style camera } }
    }
  }
}
"""
PRICES = "{ prices(tier: FREE) { kind durationSeconds credits } }"


def several(caller: Caller, selfie_id: str, **more: Any) -> str:
    """Request a story of two scenes, and return its id."""
    given = {"scenes": SCENES, **more}
    payload = caller.ask(CREATE_STORY, input={"selfieId": selfie_id, "idempotencyKey": new_key(), **given})
    assert payload["createStory"]["userErrors"] == []
    return str(payload["createStory"]["story"]["id"])


def shown(caller: Caller, story_id: str) -> dict[str, Any]:
    story: dict[str, Any] = caller.ask(STORY, id=story_id)["story"]
    return story


def states(caller: Caller, story_id: str) -> list[str]:
    return [job["state"] for job in shown(caller, story_id)["jobs"]]


def refusal(caller: Caller, **given: Any) -> dict[str, Any]:
    """Return the only error of a request for a story."""
    wanted = {"idempotencyKey": new_key(), **given}
    payload = caller.ask(CREATE_STORY, input=wanted)["createStory"]
    assert payload["story"] is None
    [error] = payload["userErrors"]
    return {"code": error["code"], "path": error["path"]}


def begun(acme: Partner) -> tuple[str, list[str]]:
    """Return a story of two scenes whose avatar is made, and its jobs."""
    story_id = several(acme, acme.asset())
    ids = [job["id"] for job in shown(acme, story_id)["jobs"]]
    move(acme.server.engine, ids[0], *TO_SUCCESS)
    for scene in (ids[1], ids[4]):
        move(acme.server.engine, scene, PARENT_READY)
    return story_id, ids


def test_a_story_has_scenes_and_videos_of_one_avatar(acme: Partner) -> None:
    user = acme.user()
    story = shown(user, several(user, selfie(acme, user), metadata={"n": 1}, onFailure="KEEP"))
    jobs = story["jobs"]
    ids = [job["id"] for job in jobs]
    assert [job["kind"] for job in jobs] == KINDS
    assert [job["state"] for job in jobs] == ["QUEUED", *["WAITING"] * 4]
    assert [job["parent"] and job["parent"]["id"] for job in jobs] == [None, ids[0], ids[1], ids[1], ids[0]]
    assert [[child["id"] for child in job["children"]] for job in jobs[:2]] == [[ids[1], ids[4]], [ids[2], ids[3]]]
    themes = [job["theme"] and job["theme"]["key"] for job in jobs]
    assert themes == [None, "neon-city", "neon-city", "neon-city", "moon-base"]
    assert [job["request"]["details"] for job in jobs] == [None, "rain", None, None, None]
    assert [job["request"]["options"]["style"] for job in jobs[2:4]] == ["WAVE", "WALK_FORWARD"]
    assert [job["request"]["options"]["camera"] for job in jobs[2:4]] == ["GENTLE_PAN", "STATIC"]
    assert {job["request"]["onFailure"] for job in jobs} == {"KEEP"}
    assert [job["metadata"] for job in jobs] == [{"n": 1}] * 5
    assert (story["avatar"]["id"], story["scene"]["id"], story["animation"]["id"]) == tuple(ids[:3])
    assert [each["id"] for each in story["scenes"]] == [ids[1], ids[4]]
    assert [each["id"] for each in story["animations"]] == ids[2:4]
    assert (story["state"], story["percent"], story["error"], story["theme"]) == (
        "QUEUED",
        0,
        None,
        {"key": "neon-city"},
    )


def test_a_scene_has_one_video_unless_the_request_says_otherwise(acme: Partner) -> None:
    short = make_story(acme, acme.asset())
    listed = several(acme, acme.asset(), scenes=[{"theme": "neon-city"}])
    for story_id in (short["id"], listed):
        assert [job["kind"] for job in shown(acme, story_id)["jobs"]] == KINDS[:3]


def test_the_request_takes_the_credits_for_all_jobs_or_nothing_is_made(acme: Partner) -> None:
    price = {each["kind"]: each["credits"] for each in acme.ask(PRICES)["prices"]}
    required = sum(price[kind] for kind in KINDS)
    user, poor = acme.user("ada", credits=required), acme.user("bob", credits=required - 1)
    several(user, selfie(acme, user))
    assert balance(user) == (0, required)
    error = refusal(poor, selfieId=selfie(acme, poor), scenes=SCENES)
    assert (error["code"], balance(poor)) == ("INSUFFICIENT_CREDITS", (required - 1, 0))
    assert poor.ask(STORIES) == {"stories": {"edges": []}}


def _scene(**given: Any) -> dict[str, Any]:
    return {"theme": "neon-city", "animations": [], **given}


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, ["theme"]),
        ({"scenes": []}, ["scenes"]),
        ({"scenes": [_scene()] * 20}, ["scenes"]),
        ({"scenes": [_scene(animations=[{}] * 19)]}, ["scenes"]),
        ({"scenes": SCENES, "theme": "neon-city"}, ["scenes"]),
        ({"scenes": SCENES, "details": "rain"}, ["scenes"]),
        ({"scenes": SCENES, "animation": None}, ["scenes"]),
        ({"scenes": [_scene(), _scene(theme="nowhere")]}, ["scenes", "1", "theme"]),
        ({"scenes": [_scene(), _scene(details="x" * 301)]}, ["scenes", "1", "details"]),
        (
            {"scenes": [_scene(animations=[{}, {"durationSeconds": 7}])]},
            ["scenes", "0", "animations", "1", "durationSeconds"],
        ),
        ({"theme": "neon-city", "animation": {"durationSeconds": 7}}, ["animation", "durationSeconds"]),
    ],
)
def test_a_wrong_story_is_refused_at_its_place(acme: Partner, given: dict[str, Any], path: list[str]) -> None:
    assert refusal(acme, selfieId=acme.asset(), **given) == {"code": "INVALID", "path": ["input", *path]}


def test_a_story_may_have_twenty_jobs(acme: Partner) -> None:
    assert len(states(acme, several(acme, acme.asset(), scenes=[_scene()] * 19))) == 20


def test_a_long_video_of_any_scene_needs_the_paid_tier(acme: Partner) -> None:
    user = acme.user()
    scenes = [_scene(), _scene(animations=[{"durationSeconds": 10}])]
    path = ["input", "scenes", "1", "animations", "0", "durationSeconds"]
    assert refusal(user, selfieId=selfie(acme, user), scenes=scenes) == {"code": "TIER_REQUIRED", "path": path}


def test_the_same_key_makes_the_same_scenes_once(acme: Partner) -> None:
    given = {"selfieId": acme.asset(), "idempotencyKey": new_key(), "scenes": SCENES}
    first, again = (acme.ask(CREATE_STORY, input=given)["createStory"] for _ in range(2))
    assert (first["replayed"], again["replayed"], again["story"]["id"]) == (False, True, first["story"]["id"])
    swapped = {**given, "scenes": SCENES[::-1]}
    [error] = acme.ask(CREATE_STORY, input=swapped)["createStory"]["userErrors"]
    assert error["code"] == "IDEMPOTENCY_KEY_REUSED"


def _in_state(caller: Caller, state: str) -> list[str]:
    page = caller.ask(STORIES, filter={"states": [state]})["stories"]["edges"]
    return [edge["node"]["id"] for edge in page]


def test_a_story_goes_on_beside_a_scene_that_failed_and_ends_with_the_last_of_its_jobs(acme: Partner) -> None:
    story_id = several(acme, acme.asset(), scenes=[_scene()] * 2)
    avatar, first, second = [job["id"] for job in shown(acme, story_id)["jobs"]]
    move(acme.server.engine, avatar, *TO_SUCCESS)
    move(acme.server.engine, second, PARENT_READY)
    move(acme.server.engine, first, PARENT_READY, *TO_FAILURE)
    story = shown(acme, story_id)
    assert (story["state"], story["finishedAt"]) == ("QUEUED", None)
    assert story["error"] == {"code": "CONTENT_REJECTED", "retryable": False}
    assert (_in_state(acme, "QUEUED"), _in_state(acme, "FAILED")) == ([story_id], [])
    move(acme.server.engine, second, *TO_SUCCESS)
    story = shown(acme, story_id)
    assert (story["state"], story["finishedAt"] is not None) == ("FAILED", True)
    assert (_in_state(acme, "QUEUED"), _in_state(acme, "FAILED")) == ([], [story_id])


def _retried(caller: Caller, story_id: str) -> Any:
    return caller.ask(RETRY, id=story_id, key=new_key())["retryStory"]


def test_a_retry_revives_each_scene_that_may_succeed_and_leaves_what_runs_and_what_was_canceled(acme: Partner) -> None:
    story_id = several(acme, acme.asset(), scenes=[_scene()] * 5)
    avatar, running, rejected, canceled, *down = [job["id"] for job in shown(acme, story_id)["jobs"]]
    move(acme.server.engine, avatar, *TO_SUCCESS)
    cancel = tuple(replace(each, error="canceled") for each in TO_OUTAGE[2:])
    cancel = (replace(cancel[0], event=Event.CANCEL_REQUESTED), cancel[1])
    for scene, moves in ((rejected, TO_FAILURE), (canceled, cancel), *((each, TO_OUTAGE) for each in down)):
        move(acme.server.engine, scene, PARENT_READY, *moves)
    move(acme.server.engine, running, PARENT_READY)
    assert shown(acme, story_id)["error"] == {"code": "PROVIDER_UNAVAILABLE", "retryable": True}
    before = balance(acme)
    retried = _retried(acme, story_id)
    assert (retried["userErrors"], retried["revived"]) == ([], down)
    price = {each["kind"]: each["credits"] for each in acme.ask(PRICES)["prices"]}["SCENE"]
    assert balance(acme)[0] == before[0] - 2 * price
    assert states(acme, story_id) == ["SUCCEEDED", "QUEUED", "FAILED", "FAILED", "QUEUED", "QUEUED"]
    assert _retried(acme, story_id)["revived"] == [canceled]
    assert _retried(acme, story_id)["userErrors"] == [{"code": "NOT_RETRYABLE", "path": ["input", "storyId"]}]


def test_a_retry_takes_the_credits_for_all_or_revives_nothing(acme: Partner) -> None:
    price = {each["kind"]: each["credits"] for each in acme.ask(PRICES)["prices"]}
    user = acme.user(credits=price["AVATAR"] + 2 * price["SCENE"] + price["SCENE"])
    story_id = several(user, selfie(acme, user), scenes=[_scene()] * 2)
    avatar, *scenes = [job["id"] for job in shown(user, story_id)["jobs"]]
    move(acme.server.engine, avatar, *TO_SUCCESS)
    for scene in scenes:
        move(acme.server.engine, scene, PARENT_READY, *TO_OUTAGE)
    assert _retried(user, story_id)["userErrors"][0]["code"] == "INSUFFICIENT_CREDITS"
    assert (balance(user)[0], states(user, story_id)[1:]) == (price["SCENE"], ["FAILED", "FAILED"])


def test_a_cancel_ends_all_scenes_and_keeps_what_was_made(acme: Partner) -> None:
    story_id, ids = begun(acme)
    move(acme.server.engine, ids[4], *TO_SUCCESS)
    assert acme.ask(CANCEL, id=story_id)["cancelStory"]["userErrors"] == []
    assert states(acme, story_id) == ["SUCCEEDED", *["COMPENSATING"] * 3, "SUCCEEDED"]


def test_a_deleted_story_loses_every_scene(acme: Partner) -> None:
    story_id, ids = begun(acme)
    move(acme.server.engine, ids[4], *TO_SUCCESS)
    assert acme.ask(DELETE_STORY, id=story_id)["deleteStory"]["userErrors"] == []
    query = "query ($id: ID!) { story(id: $id) { jobs { state metadata output { state url } } } }"
    jobs = acme.ask(query, id=story_id)["story"]["jobs"]
    assert [job["state"] for job in jobs[1:4]] == ["COMPENSATING"] * 3
    assert [job["output"] for job in (jobs[0], jobs[4])] == [{"state": "DELETED", "url": None}] * 2


def test_what_is_requested_later_does_not_join_the_story(acme: Partner) -> None:
    story_id, ids = begun(acme)
    given = {"avatarId": ids[0], "theme": "moon-base", "idempotencyKey": new_key()}
    added = acme.ask(CREATE_SCENE, input=given)["createScene"]["job"]
    story = shown(acme, story_id)
    assert added["id"] not in [job["id"] for job in story["jobs"]]
    assert [child["id"] for child in story["jobs"][0]["children"]] == [ids[1], ids[4], added["id"]]
    query = "query ($id: ID!) { job(id: $id) { story { id } parent { story { id } } } }"
    assert acme.ask(query, id=added["id"])["job"] == {"story": None, "parent": {"story": {"id": story_id}}}


def test_stories_of_several_scenes_come_in_batches_of_so_many_jobs(acme: Partner) -> None:
    story = {"selfieId": acme.asset(), "scenes": SCENES}
    made = create(acme, {"stories": [story, {"selfieId": story["selfieId"], "theme": "neon-city"}]})
    assert [job["kind"] for job in made["jobs"]] == [*KINDS, *KINDS[:3]]
    assert made["batch"]["size"] == 2
    large = {"selfieId": story["selfieId"], "scenes": [_scene()] * 19}
    [error] = create(acme, {"stories": [large] * 31})["userErrors"]
    assert (error["code"], error["path"], "600 jobs" in error["message"]) == ("INVALID", ["input"], True)
