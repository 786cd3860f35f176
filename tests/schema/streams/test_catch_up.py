"""Reading what a stream has: in order, resumable at every offset, and cached as far as it is true."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from schema.ids import IdKind, decode_id
from tests.schema.documents import make_avatar, make_story
from tests.schema.queries.test_activity import ACTIVITY, avatar_of
from tests.schema.streams.reading import get, read, refused, seqs, sequenced, tail
from tests.support.partners import LAST_SEQ, REDRIVEN, TO_OUTAGE, TO_SUCCESS, Partner, move
from tests.support.serving import Caller


def moved_job(acme: Partner) -> str:
    """Return the stream of a job that has succeeded."""
    job_id = make_avatar(acme, acme.asset())
    move(acme.server.engine, job_id, *TO_SUCCESS)
    sequenced(acme)
    return f"jobs/{job_id}"


def test_the_activity_has_what_the_query_has(acme: Partner) -> None:
    make_story(acme, acme.asset())
    moved_job(acme)
    response = read(acme, "activity", offset="-1")
    assert response.headers["content-type"] == "application/json"
    assert (response.headers["stream-up-to-date"], "stream-closed" in response.headers) == ("true", False)
    queried = [each["node"] for each in acme.ask(ACTIVITY)["activity"]["edges"]]
    assert len(queried) > LAST_SEQ
    for shown, message in zip(queried, response.json(), strict=True):
        expected = {key: value for key, value in shown.items() if key not in ("job", "story", "event")}
        assert expected.items() <= message.items()
        assert (message["event"] or {}).items() >= (shown["event"] or {}).items()


@pytest.mark.parametrize("stream", ["activity", "job", "story"])
def test_every_offset_resumes_after_its_message(acme: Partner, stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With batches of one message, each has an offset; as text they are in the order of the stream."""
    story = make_story(acme, acme.asset())
    move(acme.server.engine, story["avatar"]["id"], *TO_SUCCESS)
    sequenced(acme)
    path = {"activity": "activity", "job": f"jobs/{story['avatar']['id']}", "story": f"stories/{story['id']}"}[stream]
    whole = read(acme, path).json()
    for module in ("activity_stream", "job_stream"):
        monkeypatch.setattr(f"schema.streams.{module}.BATCH_MAX", 1)
    offsets, found = ["-1"], list[dict[str, Any]]()
    while True:
        response = read(acme, path, offset=offsets[-1])
        found += response.json()
        if response.headers["stream-next-offset"] == offsets[-1]:
            break
        offsets.append(response.headers["stream-next-offset"])
        if response.headers.get("stream-up-to-date"):
            break
    assert (found, len(found) > LAST_SEQ - 1) == (whole, True)
    assert offsets[1:] == sorted(set(offsets[1:]))
    assert all(each.replace("_", "").isdigit() for each in offsets[1:])
    monkeypatch.undo()
    for count, offset in enumerate(offsets[: len(whole)]):
        assert read(acme, path, offset=offset).json() == whole[count:]


def test_a_job_and_a_story_say_how_they_stand(acme: Partner) -> None:
    story = make_story(acme, acme.asset())
    move(acme.server.engine, story["avatar"]["id"], *TO_SUCCESS)
    of_job = read(acme, f"jobs/{story['avatar']['id']}").json()
    assert seqs(of_job) == list(range(1, LAST_SEQ + 1))
    assert of_job[-1]["progress"] == {"state": "SUCCEEDED", "percent": 100}
    assert (of_job[-1]["state"], of_job[-1]["storyId"], of_job[-1]["kind"]) == ("SUCCEEDED", story["id"], "AVATAR")
    of_story = read(acme, f"stories/{story['id']}")
    assert "stream-closed" not in of_story.headers
    standing = acme.ask("query ($id: ID!) { story(id: $id) { state percent } }", id=story["id"])["story"]
    assert of_story.json()[-1]["progress"] == standing


def test_now_is_the_end(acme: Partner) -> None:
    path = moved_job(acme)
    for stream in (path, "activity"):
        response = read(acme, stream, offset="now")
        assert (response.json(), response.headers["stream-up-to-date"]) == ([], "true")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["stream-next-offset"] == tail(acme, stream)
        assert read(acme, stream, offset=tail(acme, stream)).json() == []


def test_head_says_where_the_end_is(acme: Partner) -> None:
    path = moved_job(acme)
    response = get(acme, path, method="HEAD")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["stream-next-offset"] == read(acme, path).headers["stream-next-offset"]
    assert (response.headers["stream-closed"], response.headers["cache-control"]) == ("true", "no-store")
    assert response.headers["content-type"] == "application/json"
    assert "stream-closed" not in get(acme, "activity", method="HEAD").headers


def test_only_the_end_of_an_ended_job_is_closed(acme: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    path = moved_job(acme)
    monkeypatch.setattr("schema.streams.job_stream.BATCH_MAX", LAST_SEQ - 1)
    first = read(acme, path)
    assert not {"stream-closed", "stream-up-to-date"} & first.headers.keys()
    rest = read(acme, path, offset=first.headers["stream-next-offset"])
    assert (len(rest.json()), rest.headers["stream-closed"], rest.headers["stream-up-to-date"]) == (1, "true", "true")


def test_a_retry_goes_on_after_the_end(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    move(acme.server.engine, job_id, *TO_OUTAGE)
    ended = read(acme, f"jobs/{job_id}")
    assert ended.headers["stream-closed"] == "true"
    end = ended.headers["stream-next-offset"]
    again = get(acme, f"jobs/{job_id}", offset=end)
    # A browser must not take this from its cache: the next line makes it untrue.
    assert again.headers["cache-control"] == ended.headers["cache-control"] == "private, no-cache"
    move(acme.server.engine, job_id, REDRIVEN)
    revived = get(acme, f"jobs/{job_id}", offset=end, headers={"If-None-Match": again.headers["etag"]})
    assert (revived.status_code, "stream-closed" in revived.headers) == (200, False)
    assert seqs(revived.json()) == [len(TO_OUTAGE) + 2]


def test_a_response_has_a_tag_that_changes_with_the_stream(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    path = f"jobs/{job_id}"
    move(acme.server.engine, job_id, *TO_SUCCESS[:-1])
    first = read(acme, path)
    assert first.headers["cache-control"] == "private, max-age=60, stale-while-revalidate=300"
    known = {"If-None-Match": f'"other", W/{first.headers["etag"]}'}
    same = get(acme, path, headers=known)
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["stream-next-offset"] == first.headers["stream-next-offset"]
    at_end = read(acme, path, offset=tail(acme, path))
    move(acme.server.engine, job_id, TO_SUCCESS[-1])
    assert get(acme, path, headers=known).status_code == 200
    closed = read(acme, path, offset=tail(acme, path))
    assert (closed.json(), closed.headers["etag"] != at_end.headers["etag"]) == ([], True)


def test_headers_for_browsers(acme: Partner) -> None:
    path = moved_job(acme)
    for response in (read(acme, path), get(acme, path, offset="?"), get(acme, path, method="HEAD")):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cross-origin-resource-policy"] == "cross-origin"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "authorization" in response.headers["vary"].lower()


@pytest.mark.parametrize(
    "params",
    [
        {"offset": ""},
        {"offset": "0"},
        {"offset": "Now"},
        {"offset": "00000000000000000-1"},
        {"offset": "9" * 19},
        {"offset": "0000000000000009999"},
        {"offset": "000000000١"},
        {"offset": "0000000001_1"},
        {"offset": "0000000099"},
        {"offset": ["-1", "-1"]},
        {"offset": "-1", "live": "poll"},
        {"live": "long-poll"},
        {"live": "sse"},
    ],
    ids=str,
)
@pytest.mark.parametrize("stream", ["activity", "job", "story"])
def test_malformed_parameters_are_refused(acme: Partner, stream: str, params: dict[str, Any]) -> None:
    if stream == "story":
        path = f"stories/{make_story(acme, acme.asset())['id']}"
    else:
        path = "activity" if stream == "activity" else moved_job(acme)
    assert refused(acme, path, **params) == (400, "BAD_REQUEST")


def test_an_offset_whose_messages_were_purged_is_gone(acme: Partner) -> None:
    path = moved_job(acme)
    job_id = decode_id(path.removeprefix("jobs/"), IdKind.JOB)
    early = "0000000001"
    assert seqs(read(acme, path, offset=early).json())[0] == 2
    with acme.server.engine.begin() as conn:
        ids = {"account": acme.principal.account_id, "job": job_id}
        conn.execute(text("UPDATE activity_heads SET purged = 2 WHERE account_id = :account"), ids)
        conn.execute(text("DELETE FROM activity WHERE account_id = :account AND position <= 2"), ids)
        conn.execute(text("DELETE FROM job_events WHERE job_id = :job AND seq < 4"), ids)
    assert len(read(acme, "activity").json()) == LAST_SEQ - 2
    for stream, offset in ((path, early), (path, "-1"), ("activity", f"{1:019}")):
        assert get(acme, stream, offset=offset).status_code == 410
    with acme.server.engine.begin() as conn:
        conn.execute(text("DELETE FROM job_events WHERE job_id = :job"), ids)
    assert (get(acme, path).status_code, read(acme, "activity").json()[-1]["event"]) == (410, None)


def test_who_may_read_what(acme: Partner, rival: Partner, support: Partner) -> None:
    ada, bob = acme.user("ada"), acme.user("bob")
    job_id = avatar_of(acme, ada)
    move(acme.server.engine, job_id, *TO_SUCCESS)
    sequenced(acme)
    path = f"jobs/{job_id}"
    assert seqs(read(ada, path).json()) == seqs(read(ada, "activity").json()) == list(range(1, LAST_SEQ + 1))
    for stranger in (rival, bob):
        assert refused(stranger, path) == refused(stranger, "jobs/job_00000000000000000000000000")
        assert refused(stranger, path)[0] == 404
        assert read(stranger, "activity").json() == []
        assert get(stranger, path, method="HEAD").status_code == 404
    for unknown in ("jobs/nothing", f"stories/{job_id}", "stories/story_00000000000000000000000000"):
        assert refused(acme, unknown) == (404, "NOT_FOUND")
    for unknown_caller in (Caller(acme.server, None), Caller(acme.server, "dio_key_wrong")):
        assert refused(unknown_caller, path) == refused(unknown_caller, "activity") == (401, "UNAUTHENTICATED")
    assert seqs(read(support, path).json()) == list(range(1, LAST_SEQ + 1))
    account = acme.ask("{ viewer { account { id } } }")["viewer"]["account"]["id"]
    assert len(read(support, "activity", account=account).json()) == LAST_SEQ
    assert refused(support, "activity")[0] == 400
    assert refused(acme, "activity", account=account) == (403, "FORBIDDEN")


def test_a_session_sees_no_price_and_no_words_of_the_provider(acme: Partner, support: Partner) -> None:
    ada = acme.user("ada")
    job_id = avatar_of(acme, ada)
    move(acme.server.engine, job_id, *TO_OUTAGE)
    sequenced(acme)
    for path in (f"jobs/{job_id}", "activity"):
        last = read(ada, path).json()[-1]
        assert (last["event"]["costMicros"], last["userRef"]) == (None, "ada")
        assert read(acme, path).json()[-1]["event"]["costMicros"] == 0
        assert "words of the provider" not in read(acme, path).text
        assert "a reason for support" not in read(ada, path).text
    assert "words of the provider" in read(support, f"jobs/{job_id}").text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_streams_are_only_read(acme: Partner, method: str) -> None:
    for path in ("activity", "stories/nothing", moved_job(acme)):
        response = get(acme, path, method=method)
        assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


def test_a_filtered_reader_moves_on(acme: Partner) -> None:
    """A session to whom nothing is shown still gets the offset up to which everything was read for it."""
    moved_job(acme)
    ada = acme.user("ada")
    response = read(ada, "activity")
    assert (response.json(), response.headers["stream-next-offset"]) == ([], tail(ada, "activity"))
