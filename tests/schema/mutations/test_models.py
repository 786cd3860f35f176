"""Requests that no configured model can serve are refused with the reason, before anything is made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs.catalogue.catalogue import Catalogue
from jobs.providers.choice import ModelChoice
from tests.schema.documents import CREATE_ANIMATION, CREATE_AVATAR, CREATE_SCENE, CREATE_STORY, new_key
from tests.support.databases import unique_name
from tests.support.partners import Partner, partner
from tests.support.serving import Server, serving


@pytest.fixture(scope="module")
def six_seconds_only(api_database: str) -> Iterator[Server]:
    """Yield an API without any model for avatars and scenes, and without one for ten seconds."""
    with serving(api_database, catalogue=Catalogue(ModelChoice(("minimax/video-01-live",)))) as running:
        yield running


@pytest.fixture
def limited_partner(six_seconds_only: Server) -> Partner:
    return partner(six_seconds_only, unique_name("models"))


def _animation(caller: Partner, seconds: int) -> dict[str, object]:
    given = {
        "sceneId": caller.asset("scene"),
        "idempotencyKey": new_key(),
        "options": {"durationSeconds": seconds},
    }
    payload: dict[str, object] = caller.ask(CREATE_ANIMATION, input=given)["createAnimation"]
    return payload


def test_a_length_that_no_model_makes_is_refused(limited_partner: Partner) -> None:
    refused = _animation(limited_partner, 10)
    assert refused["userErrors"] == [
        {
            "code": "INVALID",
            "message": "No configured model makes an animation of 10 s; choose 6 s.",
            "path": ["input", "options", "durationSeconds"],
        }
    ]
    assert _animation(limited_partner, 6)["userErrors"] == []


def test_a_kind_that_no_model_makes_is_refused(limited_partner: Partner) -> None:
    selfie, avatar = limited_partner.asset(), limited_partner.asset("avatar")
    key = new_key()
    for document, name, given in (
        (CREATE_AVATAR, "createAvatar", {"selfieId": selfie}),
        (CREATE_SCENE, "createScene", {"avatarId": avatar, "theme": "neon-city"}),
        (CREATE_STORY, "createStory", {"selfieId": selfie, "theme": "neon-city"}),
    ):
        payload = limited_partner.ask(document, input={**given, "idempotencyKey": key})[name]
        (error,) = payload["userErrors"]
        assert error["code"] == "INVALID"
        assert error["message"].startswith("No configured model can make a")
        assert "OPENAI" not in error["message"]


def test_a_refused_request_does_not_use_up_its_key(limited_partner: Partner) -> None:
    """No job was made, so the same key works for a request that a model can serve."""
    given = {"sceneId": limited_partner.asset("scene"), "idempotencyKey": new_key()}
    ten = {**given, "options": {"durationSeconds": 10}}
    assert limited_partner.ask(CREATE_ANIMATION, input=ten)["createAnimation"]["userErrors"]
    assert limited_partner.ask(CREATE_ANIMATION, input=given)["createAnimation"]["userErrors"] == []
