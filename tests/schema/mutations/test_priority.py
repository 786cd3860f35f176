"""A priority above the usual is for API keys: with a session, an end user could pass all others of the account."""

from __future__ import annotations

from typing import Any

import pytest

from tests.schema.credits import selfie
from tests.schema.documents import CREATE_STORY, new_key
from tests.support.partners import Partner


@pytest.mark.parametrize("tier", ["free", "paid"])
def test_a_session_cannot_pass_others_by_its_priority(acme: Partner, tier: str) -> None:
    user = acme.user(tier=tier)
    given = {"selfieId": selfie(acme, user), "theme": "neon-city"}
    scenes = {"scenes": [{"avatarId": acme.asset("avatar"), "theme": "neon-city"}]}
    batch = "mutation ($input: CreateBatchInput!) { createBatch(input: $input) { userErrors { message code path } } }"
    cases: tuple[tuple[str, str, dict[str, Any], list[str]], ...] = (
        (CREATE_STORY, "createStory", given, ["input", "priority"]),
        (batch, "createBatch", scenes, ["input", "scenes", "0", "priority"]),
    )
    for document, name, request, place in cases:
        refused = user.ask(document, input={**request, "priority": 1, "idempotencyKey": new_key()})[name]
        [error] = refused["userErrors"]
        assert (error["code"], error["path"]) == ("INVALID", place)
        assert "needs an API key" in error["message"]
    for caller, priority in ((user, 0), (user, -10), (acme, 10)):
        wanted = {**given, "selfieId": selfie(acme, user), "priority": priority, "idempotencyKey": new_key()}
        assert caller.ask(CREATE_STORY, input=wanted)["createStory"]["userErrors"] == []
