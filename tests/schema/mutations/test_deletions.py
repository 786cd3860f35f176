"""Callers delete what is theirs, and see when nothing of it is left."""

from __future__ import annotations

from typing import Any

from schema.ids import IdKind, encode_id
from tests.schema.credits import selfie
from tests.schema.documents import make_avatar, make_story
from tests.support.partners import TO_SUCCESS, Partner, move
from tests.support.serving import Caller

_PAYLOAD = "deletion { id subject subjectId pseudonym objectsDeleted completedAt } userErrors { code path }"
DELETE_ASSET = f"mutation ($id: ID!) {{ deleteAsset(input: {{assetId: $id}}) {{ {_PAYLOAD} }} }}"
DELETE_STORY = f"mutation ($id: ID!) {{ deleteStory(input: {{storyId: $id}}) {{ {_PAYLOAD} }} }}"
DELETE_USER = (
    "mutation ($userRef: String!, $account: String) "
    f"{{ deleteUser(input: {{userRef: $userRef, account: $account}}) {{ {_PAYLOAD} }} }}"
)
TAKE_DOWN = (
    "mutation ($id: ID!, $reason: String!) "
    f"{{ takeDownAsset(input: {{assetId: $id, reason: $reason}}) {{ {_PAYLOAD} }} }}"
)
AUDIT = """
query ($account: ID!) {
  auditEntries(first: 9, filter: {account: $account}) { edges { node { action userRef subject reason } } }
}
"""
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


def test_support_takes_a_reported_picture_down_and_its_owner_reads_that(acme: Partner, support: Partner) -> None:
    ada = acme.user("ada")
    job_id = make_avatar(ada, selfie(acme, ada))
    move(acme.server.engine, job_id, *TO_SUCCESS)
    picture = ada.ask("query ($id: ID!) { job(id: $id) { output { id } } }", id=job_id)["job"]["output"]["id"]
    for caller in (acme, ada):
        assert caller.fail(TAKE_DOWN, id=picture, reason="please")["extensions"]["code"] == "FORBIDDEN"
    [error] = support.ask(TAKE_DOWN, id=picture, reason=" ")["takeDownAsset"]["userErrors"]
    assert error == {"code": "INVALID", "path": ["input", "reason"]}
    taken = [support.ask(TAKE_DOWN, id=picture, reason="shows a child")["takeDownAsset"] for _ in range(2)]
    assert taken[0] == taken[1]
    assert (taken[0]["deletion"]["subjectId"], taken[0]["userErrors"]) == (picture, [])
    shown = ada.ask("query ($id: ID!) { asset(id: $id) { state url rejection } }", id=picture)["asset"]
    expected = {"state": "DELETED", "url": None, "rejection": "It was taken down by support after a report."}
    assert shown == expected
    account = encode_id(IdKind.ACCOUNT, acme.principal.account_id)
    found = support.ask(AUDIT, account=account)["auditEntries"]["edges"]
    assert [edge["node"] for edge in found] == [
        {"action": "TAKE_DOWN_ASSET", "userRef": "ada", "subject": picture, "reason": "shows a child"}
    ]
    [error] = support.ask(TAKE_DOWN, id="asset_" + "0" * 26, reason="x")["takeDownAsset"]["userErrors"]
    assert error["code"] == "NOT_FOUND"
