"""A batch of stories, scenes and animations is one thing to look at, to follow and to cancel."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from schema.cursors import MalformedCursor, batch_cursor, read_batch_cursor
from schema.ids import IdKind, decode_id
from tests.schema.credits import balance, selfie
from tests.schema.documents import new_key
from tests.schema.live.subscribers import all_of, follow, seqs, take
from tests.support.partners import PARENT_READY, TO_FAILURE, TO_SUCCESS, Partner, move
from tests.support.serving import Caller

BATCH = "id createdAt finishedAt state percent size states { state count } cursor"
CREATE = f"""
mutation ($input: CreateBatchInput!) {{
  createBatch(input: $input) {{
    batch {{ {BATCH} }} jobs {{ id kind state story {{ id }} batch {{ id }} metadata }} replayed
    userErrors {{ code path message }}
  }}
}}
"""
READ = f"query ($id: ID!) {{ batch(id: $id) {{ {BATCH} }} node(id: $id) {{ id }} }}"
CANCEL = f"""
mutation ($id: ID!) {{
  cancelBatch(input: {{batchId: $id}}) {{ batch {{ {BATCH} }} userErrors {{ code path }} }}
}}
"""
LISTS = """
query ($id: ID!) {
  jobs(first: 100, filter: {batchId: $id}) { edges { node { id } } }
  stories(first: 100, filter: {batchId: $id}) { edges { node { id } } }
}
"""


def mixed(acme: Partner, user: Caller | None = None) -> dict[str, Any]:
    """Return two stories, one without a video, a scene and an animation."""
    ada = selfie(acme, user) if user else acme.asset()
    return {
        "stories": [
            {"selfieId": ada, "theme": "neon-city", "metadata": {"n": 0}},
            {"selfieId": ada, "theme": "moon-base", "animation": None},
        ],
        "scenes": [{"avatarId": acme.asset("avatar"), "theme": "neon-city", "metadata": {"n": 2}}],
        "animations": [{"sceneId": acme.asset("scene"), "options": {"style": "WAVE"}}],
    }


def create(caller: Caller, given: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    wanted = {**given, "idempotencyKey": key or new_key()}
    payload: dict[str, Any] = caller.ask(CREATE, input=wanted)["createBatch"]
    return payload


def read(caller: Caller, batch_id: str) -> Any:
    return caller.ask(READ, id=batch_id)["batch"]


def test_a_batch_has_stories_scenes_and_animations_in_order_and_once_per_key(acme: Partner) -> None:
    wanted, key = mixed(acme), new_key()
    made, again = create(acme, wanted, key), create(acme, wanted, key)
    kinds = ["AVATAR", "SCENE", "ANIMATION", "AVATAR", "SCENE", "SCENE", "ANIMATION"]
    assert [job["kind"] for job in made["jobs"]] == kinds
    assert [job["metadata"] for job in made["jobs"]] == [{"n": 0}] * 3 + [None] * 2 + [{"n": 2}, None]
    assert [job["state"] for job in made["jobs"]] == [
        "QUEUED", "WAITING", "WAITING", "QUEUED", "WAITING", "QUEUED", "QUEUED"
    ]  # fmt: skip
    batch = made["batch"]
    assert {job["batch"]["id"] for job in made["jobs"]} == {batch["id"]}
    assert (batch["size"], batch["percent"], batch["finishedAt"]) == (4, 0, None)
    assert batch["states"] == [{"state": "QUEUED", "count": 4}]
    assert (again["replayed"], again["batch"], again["jobs"]) == (True, batch, made["jobs"])
    lists = acme.ask(LISTS, id=batch["id"])
    assert {edge["node"]["id"] for edge in lists["jobs"]["edges"]} == {job["id"] for job in made["jobs"]}
    stories = {job["story"]["id"] for job in made["jobs"] if job["story"]}
    assert {edge["node"]["id"] for edge in lists["stories"]["edges"]} == stories
    assert len(stories) == 2


@pytest.mark.parametrize(
    ("lists", "number", "wrong", "path"),
    [
        ("stories", 1, {"selfieId": None}, "selfieId"),
        ("scenes", 0, {"theme": "atlantis"}, "theme"),
        ("animations", 0, {"options": {"durationSeconds": 7}}, "options"),
        ("stories", 1, {"selfieId": "no id"}, "selfieId"),
        ("scenes", 0, {"avatarId": "job_1"}, "avatarId"),
        ("animations", 0, {"sceneId": "no id"}, "sceneId"),
        ("scenes", 0, {"metadata": [1]}, "metadata"),
    ],
)
def test_one_wrong_item_refuses_the_batch_and_is_named(
    acme: Partner, lists: str, number: int, wrong: dict[str, Any], path: str
) -> None:
    given = mixed(acme)
    given[lists][number] |= wrong if wrong != {"selfieId": None} else {"selfieId": acme.asset("avatar")}
    payload = create(acme, given)
    assert (payload["batch"], payload["jobs"]) == (None, [])
    [error] = payload["userErrors"]
    assert error["path"][:4] == ["input", lists, str(number), path]
    assert balance(acme) == (10_000, 0)


@pytest.mark.parametrize("count", [0, 201])
def test_a_batch_has_one_to_two_hundred_items(acme: Partner, count: int) -> None:
    scene = {"avatarId": acme.asset("avatar"), "theme": "neon-city"}
    half = count // 2
    stories = [{"selfieId": acme.asset(), "theme": "neon-city"}] * half
    [error] = create(acme, {"stories": stories, "scenes": [scene] * (count - half)})["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID", ["input"])
    assert "1 to 200" in error["message"]
    assert str(count) in error["message"]


def test_a_batch_counts_its_items_and_ends_with_the_last(acme: Partner) -> None:
    made = create(acme, mixed(acme))
    engine, jobs, batch_id = acme.server.engine, made["jobs"], made["batch"]["id"]
    move(engine, jobs[6]["id"], *TO_FAILURE)
    move(engine, jobs[5]["id"], *TO_SUCCESS)
    at = read(acme, batch_id)
    assert at["states"] == [
        {"state": "QUEUED", "count": 2},
        {"state": "SUCCEEDED", "count": 1},
        {"state": "FAILED", "count": 1},
    ]
    assert (at["state"], at["finishedAt"]) == ("QUEUED", None)
    for first, *later in (jobs[0:3], jobs[3:5]):
        move(engine, first["id"], *TO_SUCCESS)
        for job in later:
            move(engine, job["id"], PARENT_READY, *TO_SUCCESS)
    at = read(acme, batch_id)
    assert (at["state"], at["states"][0]["count"]) == ("FAILED", 3)
    assert at["finishedAt"] is not None


def test_a_batch_is_followed_and_resumed_like_a_story(acme: Partner) -> None:
    made = create(acme, {"scenes": mixed(acme)["scenes"] * 2})
    engine, [one, two], batch_id = acme.server.engine, made["jobs"], made["batch"]["id"]
    with acme.socket() as socket:
        [snapshot] = follow(socket, 1, batchId=batch_id)
        assert (snapshot["isSnapshot"], snapshot["state"], snapshot["percent"]) == (True, "QUEUED", 0)
        assert snapshot["cursor"] == made["batch"]["cursor"]
        move(engine, one["id"], *TO_SUCCESS)
        messages = take(socket, len(TO_SUCCESS))
        assert seqs(messages) == list(range(2, len(TO_SUCCESS) + 2))
        assert (messages[-1]["percent"], messages[-1]["state"], messages[-1]["isFinal"]) == (50, "QUEUED", False)
    move(engine, two["id"], *TO_FAILURE)
    rest = all_of(acme, batchId=batch_id, after=messages[2]["cursor"])
    ours = [each["event"]["seq"] for each in rest if each["job"]["id"] == one["id"]]
    theirs = [each["event"]["seq"] for each in rest if each["job"]["id"] == two["id"]]
    assert ours == seqs(messages)[3:]
    assert theirs == list(range(2, len(TO_FAILURE) + 2))
    assert rest[-1]["state"] == "FAILED"


def test_a_batch_is_canceled_as_a_whole_and_what_it_made_stays(acme: Partner) -> None:
    made = create(acme, mixed(acme))
    engine, jobs, batch_id = acme.server.engine, made["jobs"], made["batch"]["id"]
    move(engine, jobs[5]["id"], *TO_SUCCESS)
    at = acme.ask(CANCEL, id=batch_id)["cancelBatch"]["batch"]
    assert sum(each["count"] for each in at["states"] if each["state"] in ("COMPENSATING", "CANCELED")) == 3
    assert {"state": "SUCCEEDED", "count": 1} in at["states"]
    # What waited ends because of what it waited for, and is not moved a second time by itself.
    with engine.connect() as conn:
        query = text("SELECT array_agg(event ORDER BY id) FROM jobs WHERE id = ANY (:ids)")
        ids = [decode_id(job["id"], IdKind.JOB) for job in jobs[:3]]
        assert conn.scalar(query, {"ids": ids}) == ["cancel_requested", "parent_failed", "parent_failed"]
    [error] = acme.ask(CANCEL, id=batch_id)["cancelBatch"]["userErrors"]
    assert (error["code"], error["path"]) == ("ALREADY_FINISHED", ["input", "batchId"])


@pytest.mark.parametrize("seen", [[], [0], [1, 127, 128, 300, 2**31 - 1]])
def test_a_batchs_cursor_can_be_read_back(acme: Partner, seen: list[int]) -> None:
    one, other = decode_id(acme.asset(), IdKind.ASSET), decode_id(acme.asset(), IdKind.ASSET)
    cursor = batch_cursor(one, seen)
    assert read_batch_cursor(cursor, one) == seen
    with pytest.raises(MalformedCursor):
        read_batch_cursor(cursor, other)
