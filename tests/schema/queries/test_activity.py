"""The activity of an account, pulled: everything once and in order, to those who may see it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from db.engine.activity import sequence
from db.records import activity
from schema.cursors import activity_cursor
from schema.ids import IdKind, decode_id
from tests.schema.documents import make_avatar, make_story
from tests.support.partners import LAST_SEQ, TO_FAILURE, TO_SUCCESS, Partner, move, partner
from tests.support.serving import Caller

ACTIVITY = """
query ($first: Int! = 100, $after: String, $filter: ActivityFilter) {
  activity(first: $first, after: $after, filter: $filter) {
    edges {
      cursor
      node { cursor type at jobId storyId sessionId userRef kind state
             event { seq event toState costMicros } job { id state } story { id } }
    }
    pageInfo { endCursor hasNextPage hasPreviousPage }
  }
}
"""


def sequenced(partner: Partner) -> None:
    with partner.server.engine.begin() as conn:
        sequence(conn)


def page(caller: Caller, **variables: Any) -> dict[str, Any]:
    return dict(caller.ask(ACTIVITY, **variables)["activity"])


def nodes(caller: Caller, **variables: Any) -> list[dict[str, Any]]:
    return [each["node"] for each in page(caller, **variables)["edges"]]


def avatar_of(partner: Partner, user: Caller) -> str:
    """Request an avatar of a selfie of the user."""
    session_id = decode_id(user.ask("{ viewer { session { id } } }")["viewer"]["session"]["id"], IdKind.SESSION)
    return make_avatar(user, partner.asset(session_id=session_id))


def refusal(caller: Caller, **variables: Any) -> str:
    error = caller.fail(ACTIVITY, **variables)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    return str(error["message"])


def test_pages_have_every_event_of_the_account_once_and_in_order(acme: Partner) -> None:
    first, second = (make_avatar(acme, acme.asset()) for _ in range(2))
    move(acme.server.engine, first, *TO_SUCCESS)
    move(acme.server.engine, second, *TO_FAILURE)
    sequenced(acme)
    found: list[dict[str, Any]] = []
    after, more = None, True
    while more:
        got = page(acme, first=4, after=after)
        found += [each["node"] for each in got["edges"]]
        assert got["edges"][-1]["cursor"] == got["pageInfo"]["endCursor"] == found[-1]["cursor"]
        after, more = got["pageInfo"]["endCursor"], got["pageInfo"]["hasNextPage"]
    for job_id, last in ((first, LAST_SEQ), (second, 1 + len(TO_FAILURE))):
        events = [each["event"] for each in found if each["jobId"] == job_id]
        assert [each["seq"] for each in events] == list(range(1, last + 1))
    assert {each["state"] for each in found} >= {"QUEUED", "SUCCEEDED", "FAILED"}
    assert all(each["event"]["toState"] == each["state"] and each["job"]["id"] == each["jobId"] for each in found)
    assert page(acme, after=after) == {
        "edges": [],
        "pageInfo": {"endCursor": after, "hasNextPage": False, "hasPreviousPage": True},
    }


def test_a_story_has_entries_of_its_own(acme: Partner) -> None:
    story_id = make_story(acme, acme.asset())["id"]
    sequenced(acme)
    began, *events = nodes(acme, filter={"storyId": story_id})
    assert (began["type"], began["jobId"], began["event"], began["story"]) == (
        "STORY_BEGAN",
        None,
        None,
        {"id": story_id},
    )
    assert {(each["type"], each["storyId"]) for each in events} == {("JOB_EVENT", story_id)}


def test_a_session_sees_what_its_user_requested_and_no_price(acme: Partner) -> None:
    ada, bob = acme.user("ada"), acme.user("bob")
    hers = avatar_of(acme, ada)
    avatar_of(acme, bob)
    make_avatar(acme, acme.asset())
    sequenced(acme)
    [seen] = nodes(ada)
    assert (seen["jobId"], seen["userRef"], seen["event"]["costMicros"]) == (hers, "ada", None)
    assert nodes(ada, filter={"userRef": "bob"}) == []
    assert {each["userRef"] for each in nodes(acme)} == {"ada", "bob", None}
    assert [each["jobId"] for each in nodes(acme, filter={"sessionId": seen["sessionId"]})] == [hers]


def test_another_account_sees_nothing_and_its_cursor_is_no_cursor_here(acme: Partner) -> None:
    make_avatar(acme, acme.asset())
    sequenced(acme)
    other = partner(acme.server, "activity-other")
    assert nodes(other) == []
    theirs = page(acme)["pageInfo"]["endCursor"]
    assert "does not belong" in refusal(other, after=theirs)


def test_support_names_the_account(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    sequenced(acme)
    support = partner(acme.server, "activity-support", "admin")
    account = acme.ask("{ viewer { account { id } } }")["viewer"]["account"]["id"]
    assert [each["jobId"] for each in nodes(support, filter={"account": account})] == [job_id]
    assert "Give filter.account" in refusal(support)


@pytest.mark.parametrize(
    ("filter", "count"),
    [
        ({"kinds": ["AVATAR"]}, LAST_SEQ),
        ({"kinds": ["SCENE"]}, 0),
        ({"states": ["SUCCEEDED"]}, 1),
        ({"types": ["STORY_BEGAN"]}, 0),
        ({"types": ["JOB_EVENT"], "states": ["GENERATING", "QUEUED"]}, 4),
    ],
)
def test_filters(acme: Partner, filter: dict[str, Any], count: int) -> None:
    move(acme.server.engine, make_avatar(acme, acme.asset()), *TO_SUCCESS)
    sequenced(acme)
    assert len(nodes(acme, filter=filter)) == count


def test_a_filter_that_nothing_passes_moves_on_in_stretches(acme: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = activity.read_stretch.__kwdefaults__ or {}
    monkeypatch.setattr(activity.read_stretch, "__kwdefaults__", usual | {"scan": 3})
    move(acme.server.engine, make_avatar(acme, acme.asset()), *TO_SUCCESS)
    sequenced(acme)
    pages: list[dict[str, Any]] = []
    after = None
    while not pages or pages[-1]["pageInfo"]["hasNextPage"]:
        pages.append(page(acme, after=after, filter={"states": ["SUCCEEDED"]}))
        after = pages[-1]["pageInfo"]["endCursor"]
    assert [len(each["edges"]) for each in pages] == [0] * ((LAST_SEQ - 1) // 3) + [1]


def test_cursors_outside_of_what_is_kept_are_refused(acme: Partner) -> None:
    move(acme.server.engine, make_avatar(acme, acme.asset()), *TO_SUCCESS)
    sequenced(acme)
    account_id = acme.principal.account_id
    with acme.server.engine.begin() as conn:
        conn.execute(text("DELETE FROM activity WHERE account_id = :id AND position <= 2"), {"id": account_id})
        conn.execute(text("UPDATE activity_heads SET purged = 2 WHERE account_id = :id"), {"id": account_id})
    assert "no longer kept" in refusal(acme, after=activity_cursor(account_id, 1))
    assert "beyond the activity" in refusal(acme, after=activity_cursor(account_id, 10_000))
    assert [each["event"]["seq"] for each in nodes(acme)] == list(range(3, LAST_SEQ + 1))
    assert nodes(acme, after=activity_cursor(account_id, 2)) == nodes(acme)


@pytest.mark.parametrize("first", [0, 101])
def test_the_size_of_a_page_is_bounded(acme: Partner, first: int) -> None:
    assert "from 1 to 100" in refusal(acme, first=first)
