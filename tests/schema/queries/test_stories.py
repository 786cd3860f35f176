"""A story shows what was requested and why it failed, and a job and a picture lead back to their origin."""

from __future__ import annotations

from typing import Any

import pytest

from statemachine.relatives import root_causes
from statemachine.vocabulary import ErrorCode, Event, State
from tests.schema.credits import selfie
from tests.schema.documents import CREATE_SCENE, make_avatar, make_story, new_key
from tests.support.partners import PARENT_READY, TO_FAILURE, TO_SUCCESS, Move, Partner, move

STORY = """
query ($id: ID!) {
  story(id: $id) {
    error { code message retryable detail } metadata theme { key }
    avatar { error { code } } scene { error { code } } animation { error { code } }
  }
}
"""
REQUEST = """
query ($id: ID!) {
  job(id: $id) {
    request { details options { style camera durationSeconds } tier onFailure input { id kind } }
    output { id job { id } }
  }
}
"""
STORIES = """
query ($filter: StoryFilter, $first: Int = 100, $after: String) {
  stories(first: $first, after: $after, filter: $filter) { edges { cursor node { id } } }
}
"""


def _ended(code: str, event: Event) -> tuple[Move, ...]:
    undone = Move(Event.UNDONE, State.FAILED, due_in_s=None, error=code)
    return Move(event, State.COMPENSATING, error=code), undone


def _reject_scene(acme: Partner, story: dict[str, Any]) -> None:
    """Let the scene of a story be rejected, and roll its avatar back."""
    engine, avatar, scene = acme.server.engine, story["avatar"]["id"], story["scene"]["id"]
    move(engine, avatar, *TO_SUCCESS)
    move(engine, scene, PARENT_READY, *TO_FAILURE)
    move(engine, avatar, *_ended("rolled_back", Event.ROLLED_BACK))
    if story["animation"]:
        move(engine, story["animation"]["id"], *_ended("parent_failed", Event.PARENT_FAILED))


def _ids(page: dict[str, Any], name: str = "stories") -> list[str]:
    return [edge["node"]["id"] for edge in page[name]["edges"]]


def test_the_error_of_a_story_is_its_root_cause(acme: Partner, support: Partner) -> None:
    user = acme.user()
    story = make_story(user, selfie(acme, user), metadata={"chapter": 3}, theme="moon-base")
    fresh = user.ask(STORY, id=story["id"])["story"]
    assert (fresh["error"], fresh["metadata"], fresh["theme"]) == (None, {"chapter": 3}, {"key": "moon-base"})
    _reject_scene(acme, story)
    for caller, detail in ((user, None), (acme, None), (support, "words of the provider")):
        shown = caller.ask(STORY, id=story["id"])["story"]
        assert (shown["error"]["code"], shown["error"]["detail"]) == ("CONTENT_REJECTED", detail)
    assert [shown[part]["error"]["code"] for part in ("avatar", "scene", "animation")] == [
        "ROLLED_BACK",
        "CONTENT_REJECTED",
        "PARENT_FAILED",
    ]


@pytest.mark.parametrize(
    ("errors", "places"),
    [
        ([None, None, None], []),
        ([None, ErrorCode.CONTENT_REJECTED, ErrorCode.PARENT_FAILED], [1]),
        ([ErrorCode.ROLLED_BACK, ErrorCode.ROLLED_BACK, ErrorCode.PROVIDER_TIMEOUT], [2]),
        ([ErrorCode.CANCELED, ErrorCode.PARENT_FAILED, ErrorCode.PARENT_FAILED], [0]),
        # Of siblings, one that a retry may help with comes first.
        ([None, ErrorCode.CONTENT_REJECTED, ErrorCode.PROVIDER_TIMEOUT, ErrorCode.PARENT_FAILED], [2, 1]),
        # The job whose error it was has been removed.
        ([None, ErrorCode.PARENT_FAILED], [1]),
    ],
)
def test_consequences_are_no_root_causes(errors: list[ErrorCode | None], places: list[int]) -> None:
    assert root_causes(errors) == places


def test_a_job_shows_what_was_requested(acme: Partner) -> None:
    user = acme.user()
    picture = selfie(acme, user)
    motion = {"style": "WAVE", "camera": "STATIC", "durationSeconds": 6}
    story = make_story(user, picture, details="rain", animation=motion, onFailure="KEEP")
    engine, avatar = acme.server.engine, story["avatar"]["id"]
    asked = {part: user.ask(REQUEST, id=story[part]["id"])["job"] for part in ("avatar", "scene", "animation")}
    plain = {"details": None, "options": None, "tier": "FREE", "onFailure": "KEEP", "input": None}
    assert asked["avatar"]["request"] == {**plain, "input": {"id": picture, "kind": "SELFIE"}}
    assert asked["scene"]["request"] == {**plain, "details": "rain"}
    assert asked["animation"]["request"] == {**plain, "options": motion}
    move(engine, avatar, *TO_SUCCESS)
    output = user.ask(REQUEST, id=avatar)["job"]["output"]
    assert output["job"] == {"id": avatar}
    assert user.ask(REQUEST, id=story["scene"]["id"])["job"]["request"]["input"]["id"] == output["id"]
    assert user.ask("query ($id: ID!) { asset(id: $id) { job { id } } }", id=picture)["asset"] == {"job": None}


def test_a_job_from_a_stored_picture_shows_it(acme: Partner) -> None:
    avatar = acme.asset("avatar")
    given = {"avatarId": avatar, "theme": "neon-city", "idempotencyKey": new_key()}
    scene = acme.ask(CREATE_SCENE, input=given)["createScene"]["job"]["id"]
    assert acme.ask(REQUEST, id=scene)["job"]["request"]["input"] == {"id": avatar, "kind": "AVATAR"}


def test_filters_narrow_the_stories(acme: Partner, rival: Partner) -> None:
    user = acme.user("bob")
    first = make_story(acme, acme.asset(), theme="moon-base", animation=None)
    second = make_story(user, selfie(acme, user), metadata={"n": 2})
    session = user.ask("{ viewer { session { id } } }")["viewer"]["session"]["id"]
    _reject_scene(acme, first)
    both = {first["id"], second["id"]}
    for wanted, found in (
        ({"states": ["FAILED"]}, {first["id"]}),
        ({"states": ["QUEUED"]}, {second["id"]}),
        ({"states": ["SUCCEEDED"]}, set()),
        ({"themes": ["moon-base"]}, {first["id"]}),
        ({"userRef": "bob"}, {second["id"]}),
        ({"sessionId": session}, {second["id"]}),
        ({"metadata": {"contains": {"n": 2}}}, {second["id"]}),
        ({"createdAfter": "2020-01-01T00:00:00Z"}, both),
        ({"createdBefore": "2020-01-01T00:00:00Z"}, set()),
    ):
        assert set(_ids(acme.ask(STORIES, filter=wanted))) == found, wanted
        assert set(_ids(user.ask(STORIES, filter=wanted))) == found - {first["id"]}, wanted
        assert _ids(rival.ask(STORIES, filter=wanted)) == [], wanted
    wrong: dict[str, Any]
    for wrong in ({"states": []}, {"sessionId": first["id"]}, {"metadata": {"contains": 3}}):
        assert acme.fail(STORIES, filter=wrong)["extensions"]["code"] == "BAD_USER_INPUT"


def test_filtered_stories_are_paged(acme: Partner) -> None:
    picture = acme.asset()
    made = [make_story(acme, picture, theme=theme)["id"] for theme in ("moon-base", "neon-city", "moon-base")]
    page = acme.ask(STORIES, first=1, filter={"themes": ["moon-base"]})
    assert _ids(page) == [made[2]]
    after = page["stories"]["edges"][0]["cursor"]
    assert _ids(acme.ask(STORIES, first=1, after=after, filter={"themes": ["moon-base"]})) == [made[0]]


ASSETS = """
query ($filter: AssetFilter, $first: Int = 100, $after: String, $last: Int) {
  assets(first: $first, after: $after, last: $last, filter: $filter) { edges { cursor node { id } } }
}
"""


def test_ones_own_selfies_and_pictures_are_listed(acme: Partner, rival: Partner, support: Partner) -> None:
    ada, bob = acme.user("ada"), acme.user("bob")
    older, newer = selfie(acme, ada), selfie(acme, ada)
    avatar = make_avatar(ada, newer)
    move(acme.server.engine, avatar, *TO_SUCCESS)
    made = ada.ask(REQUEST, id=avatar)["job"]["output"]["id"]
    other, own = selfie(acme, bob), acme.asset(state="pending")
    assert _ids(ada.ask(ASSETS), "assets") == [made, newer, older]
    assert _ids(acme.ask(ASSETS), "assets") == [own, other, made, newer, older]
    assert _ids(rival.ask(ASSETS), "assets") == []
    assert _ids(support.ask(ASSETS, first=5), "assets") == [own, other, made, newer, older]
    for wanted, found in (
        ({"kinds": ["SELFIE"]}, [own, other, newer, older]),
        ({"kinds": ["SELFIE"], "states": ["READY"]}, [other, newer, older]),
        ({"kinds": ["AVATAR", "SCENE"]}, [made]),
        ({"userRef": "bob"}, [other]),
    ):
        assert _ids(acme.ask(ASSETS, filter=wanted), "assets") == found, wanted
        assert _ids(ada.ask(ASSETS, filter=wanted), "assets") == [each for each in found if each not in (own, other)]
    page = ada.ask(ASSETS, first=1)["assets"]
    assert _ids(ada.ask(ASSETS, first=5, after=page["edges"][0]["cursor"]), "assets") == [newer, older]


def test_a_wall_of_stories_and_pictures_takes_few_statements(acme: Partner, statements: list[str]) -> None:
    for _ in range(5):
        make_story(acme, acme.asset())
    statements.clear()
    acme.ask(
        """
        { stories(first: 5) { edges { node {
            error { code } metadata theme { key }
            scene { request { details input { id job { id } } } } avatar { request { input { id job { id } } } } } } }
          assets(first: 5) { edges { node { id job { id request { tier } } } } } }
        """
    )
    assert 3 < len(statements) < 14, "\n".join(statements)
