"""Callers delete what is theirs, and see when nothing of it is left."""

from __future__ import annotations

from typing import Any

from tests.schema.credits import selfie
from tests.schema.documents import make_story
from tests.support.partners import Partner
from tests.support.serving import Caller

_PAYLOAD = "deletion { id subject subjectId pseudonym objectsDeleted completedAt } userErrors { code path }"
DELETE_ASSET = f"mutation ($id: ID!) {{ deleteAsset(input: {{assetId: $id}}) {{ {_PAYLOAD} }} }}"
DELETE_STORY = f"mutation ($id: ID!) {{ deleteStory(input: {{storyId: $id}}) {{ {_PAYLOAD} }} }}"
DELETE_USER = (
    "mutation ($userRef: String!, $account: String) "
    f"{{ deleteUser(input: {{userRef: $userRef, account: $account}}) {{ {_PAYLOAD} }} }}"
)
DELETION = "query ($id: ID!) { deletion(id: $id) { subject } node(id: $id) { id } }"
STORY = "query ($id: ID!) { story(id: $id) { state selfie { state url } avatar { metadata error { code } } } }"


def _delete_asset(caller: Caller, asset_id: str) -> dict[str, Any]:
    payload: dict[str, Any] = caller.ask(DELETE_ASSET, id=asset_id)["deleteAsset"]
    return payload


def test_a_user_deletes_what_is_theirs_and_nothing_else(acme: Partner, rival: Partner) -> None:
    ada, bob = acme.user("ada"), acme.user("bob")
    mine = selfie(acme, ada)
    for stranger in (bob, rival):
        assert _delete_asset(stranger, mine) == {
            "deletion": None,
            "userErrors": [{"code": "NOT_FOUND", "path": ["input", "assetId"]}],
        }
    deletion = _delete_asset(ada, mine)["deletion"]
    assert (deletion["subject"], deletion["subjectId"], deletion["completedAt"]) == ("ASSET", mine, None)
    assert ada.ask("query ($id: ID!) { asset(id: $id) { state url } }", id=mine)["asset"] == {
        "state": "DELETED",
        "url": None,
    }
    assert _delete_asset(ada, mine)["deletion"]["id"] == deletion["id"]
    for reader, found in ((ada, True), (acme, True), (bob, False), (rival, False)):
        asked = reader.ask(DELETION, id=deletion["id"])
        assert (asked["deletion"] is not None, asked["node"] is not None) == (found, found)


def test_a_story_under_way_is_canceled_and_its_metadata_goes(acme: Partner) -> None:
    story_id = make_story(acme, acme.asset(), metadata={"chapter": 1})["id"]
    assert acme.ask(DELETE_STORY, id=story_id)["deleteStory"]["deletion"]["subject"] == "STORY"
    story = acme.ask(STORY, id=story_id)["story"]
    assert story["state"] == "COMPENSATING"
    assert story["selfie"]["state"] == "READY"
    assert story["avatar"] == {"metadata": None, "error": {"code": "CANCELED"}}


def test_only_a_key_deletes_a_user(acme: Partner, rival: Partner, support: Partner) -> None:
    ada = acme.user("ada")
    assert ada.fail(DELETE_USER, userRef="ada")["extensions"]["code"] == "FORBIDDEN"
    story_id = make_story(acme.user("bob"), selfie(acme, acme.user("bob")))["id"]
    assert rival.ask(DELETE_USER, userRef="bob")["deleteUser"]["userErrors"] == []
    assert acme.ask(STORY, id=story_id)["story"]["state"] == "QUEUED", "a rival's user of the same name is another one"
    payload = rival.ask(DELETE_USER, userRef="bob", account=acme.account)["deleteUser"]
    assert payload["userErrors"] == [{"code": "INVALID", "path": ["input", "account"]}]
    deletion = support.ask(DELETE_USER, userRef="bob", account=acme.account)["deleteUser"]["deletion"]
    assert deletion["subject"] == "USER"
    assert deletion["pseudonym"].startswith("deleted-")
    assert acme.ask(STORY, id=story_id)["story"]["state"] == "COMPENSATING"
