"""GraphQL documents that many tests send."""

from __future__ import annotations

from itertools import count
from typing import Any

from tests.support.serving import Caller

CREATE_STORY = """
mutation ($input: CreateStoryInput!) {
  createStory(input: $input) {
    story { id state percent cursor avatar { id } scene { id } animation { id } }
    replayed
    userErrors { __typename message code path }
  }
}
"""
CREATE_AVATAR = """
mutation ($input: CreateAvatarInput!) {
  createAvatar(input: $input) {
    job { id kind state percent cursor output { id kind } }
    replayed
    userErrors { message code path }
  }
}
"""
CREATE_SCENE = """
mutation ($input: CreateSceneInput!) {
  createScene(input: $input) { job { id kind state parent { id } } replayed userErrors { message code path } }
}
"""
CREATE_ANIMATION = """
mutation ($input: CreateAnimationInput!) {
  createAnimation(input: $input) { job { id kind state parent { id } } replayed userErrors { message code path } }
}
"""
CANCEL_JOB = """
mutation ($id: ID!) {
  cancelJob(input: {jobId: $id}) { job { id state } userErrors { message code path } }
}
"""
FOLLOW = """
subscription ($jobId: ID, $storyId: ID, $batchId: ID, $after: String) {
  generationProgress(jobId: $jobId, storyId: $storyId, batchId: $batchId, after: $after) {
    state percent isSnapshot isFinal skipped cursor
    event { seq event fromState toState percent cursor }
    job { id kind state }
    story { id state percent }
  }
}
"""

_keys = count()


def new_key() -> str:
    """Return an idempotency key that no other request uses."""
    return f"key-{next(_keys)}"


def make_avatar(caller: Caller, selfie_id: str, **more: Any) -> str:
    """Request an avatar and return the job's id."""
    given = {"selfieId": selfie_id, "idempotencyKey": new_key(), **more}
    payload = caller.ask(CREATE_AVATAR, input=given)["createAvatar"]
    assert payload["userErrors"] == []
    job_id: str = payload["job"]["id"]
    return job_id


def make_story(caller: Caller, selfie_id: str, **more: Any) -> dict[str, Any]:
    """Request a story and return it."""
    given = {"selfieId": selfie_id, "theme": "neon-city", "idempotencyKey": new_key(), **more}
    payload = caller.ask(CREATE_STORY, input=given)["createStory"]
    assert payload["userErrors"] == []
    story: dict[str, Any] = payload["story"]
    return story
