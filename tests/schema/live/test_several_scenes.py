"""A story of several scenes is followed to the end of the last of them."""

from __future__ import annotations

from tests.schema.documents import FOLLOW
from tests.schema.live.subscribers import all_of, take
from tests.schema.mutations.test_story_scenes import begun
from tests.schema.streams.reading import get, read, sequenced
from tests.support.partners import PARENT_READY, TO_FAILURE, TO_SUCCESS, Partner, move


def _work(acme: Partner, ids: list[str]) -> None:
    """Let the scenes of a story work one after the other; the second is rejected."""
    engine = acme.server.engine
    move(engine, ids[4], *TO_FAILURE)
    move(engine, ids[1], *TO_SUCCESS)
    for video in ids[3:1:-1]:
        move(engine, video, PARENT_READY, *TO_SUCCESS)


def test_one_subscription_follows_every_scene_and_resumes_at_any_cursor(acme: Partner) -> None:
    story_id, ids = begun(acme)
    with acme.socket() as socket:
        socket.begin(FOLLOW, storyId=story_id)
        [snapshot] = take(socket, 1)
        _work(acme, ids)
        live = take(socket, len(TO_FAILURE) + 3 * len(TO_SUCCESS) + 2)
        assert socket.receive()["type"] == "complete"
    percents = [each["percent"] for each in (snapshot, *live)]
    assert percents == sorted(percents)
    assert [each["isFinal"] for each in live] == [False] * (len(live) - 1) + [True]
    assert (live[-1]["state"], live[-1]["story"]["state"]) == ("FAILED", "FAILED")
    # The second scene, 3 of the weights 3 + 3 + 4 + 4 + 3, did not come far.
    assert 100 * 14 // 17 <= live[-1]["percent"] <= 100 * 14 // 17 + 1
    assert {each["job"]["id"] for each in live} == set(ids[1:])
    for place in (0, 5, len(live) - 2):
        resumed = all_of(acme, storyId=story_id, after=live[place]["cursor"])
        heard = [(each["job"]["id"], each["event"]["seq"]) for each in resumed]
        assert sorted(heard) == sorted((each["job"]["id"], each["event"]["seq"]) for each in live[place + 1 :])
        assert resumed[-1]["isFinal"]


def test_a_stream_follows_every_scene_and_closes_with_the_last(acme: Partner) -> None:
    story_id, ids = begun(acme)
    path = f"stories/{story_id}"
    move(acme.server.engine, ids[4], *TO_FAILURE)
    assert "stream-closed" not in read(acme, path).headers
    move(acme.server.engine, ids[1], *TO_SUCCESS)
    for video in ids[2:4]:
        move(acme.server.engine, video, PARENT_READY, *TO_SUCCESS)
    response = read(acme, path)
    assert response.headers["stream-closed"] == "true"
    assert {message["jobId"] for message in response.json()} == set(ids)
    rest = get(acme, path, offset=response.headers["stream-next-offset"])
    assert (rest.json(), rest.headers["stream-closed"]) == ([], "true")
    sequenced(acme)
    entries = read(acme, "activity", offset="-1").json()
    ends = [each for each in entries if each["storyId"] == story_id and each["type"].startswith("STORY")]
    assert [(each["type"], each["state"]) for each in ends] == [("STORY_BEGAN", None), ("STORY_FAILED", "FAILED")]
