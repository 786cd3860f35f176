"""A user cancels and retries a story as one thing, and ends a session."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from statemachine.vocabulary import Event, State
from tests.schema.credits import balance, selfie
from tests.schema.documents import make_story, new_key
from tests.support.partners import PARENT_READY, TO_FAILURE, TO_OUTAGE, TO_SUCCESS, Move, Partner, move
from tests.support.serving import Caller

CANCEL = """
mutation ($id: ID!) {
  cancelStory(input: {storyId: $id}) { story { state error { code retryable } } userErrors { code path } }
}
"""
RETRY = """
mutation ($id: ID!, $key: String!) {
  retryStory(input: {storyId: $id, idempotencyKey: $key}) {
    story { state error { code } } revived replayed userErrors { code path }
  }
}
"""
END = """
mutation ($id: ID) { endSession(input: {sessionId: $id}) { session { id expiresAt } userErrors { code path } } }
"""
STATES = "query ($id: ID!) { story(id: $id) { avatar { state } scene { state } animation { state } } }"


def _states(caller: Caller, story_id: str) -> list[str]:
    story = caller.ask(STATES, id=story_id)["story"]
    return [story[part]["state"] for part in ("avatar", "scene", "animation")]


def _retry(caller: Caller, story_id: str, key: str | None = None) -> dict[str, Any]:
    payload: dict[str, Any] = caller.ask(RETRY, id=story_id, key=key or new_key())["retryStory"]
    return payload


def _fail_scene(acme: Partner, story: dict[str, Any], moves: tuple[Move, ...]) -> None:
    """Let the scene of a story fail, and with it the animation that waits for it."""
    move(acme.server.engine, story["avatar"]["id"], *TO_SUCCESS)
    move(acme.server.engine, story["scene"]["id"], PARENT_READY, *moves)
    with_parent = (_parent_failed(moves[-2]), _parent_failed(moves[-1]))
    move(acme.server.engine, story["animation"]["id"], *with_parent)


def _parent_failed(each: Move) -> Move:
    event = Event.PARENT_FAILED if each.state is State.COMPENSATING else each.event
    return replace(each, event=event, error="parent_failed")


def test_a_story_is_canceled_as_a_whole(acme: Partner, rival: Partner) -> None:
    user, stranger = acme.user(), acme.user("bob")
    story = make_story(user, selfie(acme, user))
    for other in (rival, stranger):
        assert other.ask(CANCEL, id=story["id"])["cancelStory"]["userErrors"] == [
            {"code": "NOT_FOUND", "path": ["input", "storyId"]}
        ]
    payload = user.ask(CANCEL, id=story["id"])["cancelStory"]
    assert payload["userErrors"] == []
    assert payload["story"]["error"] == {"code": "CANCELED", "retryable": True}
    assert set(_states(user, story["id"])) == {"COMPENSATING"}
    again = user.ask(CANCEL, id=story["id"])["cancelStory"]["userErrors"]
    assert again == [{"code": "ALREADY_FINISHED", "path": ["input", "storyId"]}]


def test_a_canceled_story_keeps_what_it_has_made(acme: Partner) -> None:
    story = make_story(acme, acme.asset())
    move(acme.server.engine, story["avatar"]["id"], *TO_SUCCESS)
    assert acme.ask(CANCEL, id=story["id"])["cancelStory"]["userErrors"] == []
    assert _states(acme, story["id"]) == ["SUCCEEDED", "COMPENSATING", "COMPENSATING"]


def test_a_story_is_retried_once_for_a_key(acme: Partner, rival: Partner) -> None:
    user, stranger = acme.user(), acme.user("bob")
    story = make_story(user, selfie(acme, user))
    assert _retry(user, story["id"])["userErrors"] == [{"code": "NOT_READY", "path": ["input", "storyId"]}]
    _fail_scene(acme, story, TO_OUTAGE)
    for other in (rival, stranger):
        assert _retry(other, story["id"])["userErrors"][0]["code"] == "NOT_FOUND"
    key, (available, _) = new_key(), balance(user)
    first = _retry(user, story["id"], key)
    assert (first["userErrors"], first["replayed"], first["story"]["error"]) == ([], False, None)
    assert first["revived"] == [story["scene"]["id"], story["animation"]["id"]]
    assert _states(user, story["id"]) == ["SUCCEEDED", "QUEUED", "WAITING"]
    spent = available - balance(user)[0]
    assert spent > 0
    second = _retry(user, story["id"], key)
    assert (second["revived"], second["replayed"], second["userErrors"]) == ([], True, [])
    assert available - balance(user)[0] == spent
    another = make_story(user, selfie(acme, user))
    assert _retry(user, another["id"], key)["userErrors"][0]["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_a_retry_that_was_refused_does_not_use_up_its_key(acme: Partner) -> None:
    story, key = make_story(acme, acme.asset()), new_key()
    assert _retry(acme, story["id"], key)["userErrors"][0]["code"] == "NOT_READY"
    _fail_scene(acme, story, TO_OUTAGE)
    assert _retry(acme, story["id"], key)["userErrors"] == []


def test_a_story_whose_error_is_not_retryable_is_refused(acme: Partner) -> None:
    story = make_story(acme, acme.asset())
    _fail_scene(acme, story, TO_FAILURE)
    assert _retry(acme, story["id"])["userErrors"] == [{"code": "NOT_RETRYABLE", "path": ["input", "storyId"]}]


def test_a_session_ends_itself(acme: Partner) -> None:
    user = acme.user()
    assert user.ask(END)["endSession"]["userErrors"] == []
    assert user.fail("{ viewer { name } }")["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_partner_ends_the_sessions_of_its_own_users(acme: Partner, rival: Partner) -> None:
    user, other = acme.user("ada"), acme.user("bob")
    session = user.ask("{ viewer { session { id } } }")["viewer"]["session"]["id"]
    for stranger in (rival, other):
        assert stranger.ask(END, id=session)["endSession"]["userErrors"] == [
            {"code": "NOT_FOUND", "path": ["input", "sessionId"]}
        ]
    assert acme.ask(END)["endSession"]["userErrors"] == [{"code": "INVALID", "path": ["input", "sessionId"]}]
    first, second = (acme.ask(END, id=session)["endSession"]["session"] for _ in range(2))
    assert first == second
    assert user.fail("{ viewer { name } }")["extensions"]["code"] == "UNAUTHENTICATED"
    assert other.ask("{ viewer { name } }")["viewer"]["name"] == "bob"
