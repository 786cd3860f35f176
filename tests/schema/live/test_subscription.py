"""A subscription sends a snapshot, then every later event once and in order, then completes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from schema.cursors import job_cursor, story_cursor
from schema.ids import IdKind, decode_id
from tests.schema.documents import CANCEL_JOB, FOLLOW, make_avatar, make_story
from tests.schema.live.subscribers import all_of, follow, seqs, take
from tests.support.partners import LAST_SEQ, PARENT_READY, REDRIVEN, TO_FAILURE, TO_SUCCESS, Partner, move
from tests.support.serving import Caller

EVENTS = [str(each.event).upper() for each in TO_SUCCESS]
MOVES = len(TO_SUCCESS)
SEQS = list(range(2, LAST_SEQ + 1))


@pytest.fixture
def job_id(acme: Partner) -> str:
    """Make a queued avatar."""
    return make_avatar(acme, acme.asset())


def test_a_job_is_followed_from_its_snapshot_to_its_end(acme: Partner, job_id: str) -> None:
    with acme.socket() as socket:
        [snapshot] = follow(socket, 1, jobId=job_id)
        assert (snapshot["isSnapshot"], snapshot["isFinal"], snapshot["event"]) == (True, False, None)
        assert (snapshot["state"], snapshot["percent"], snapshot["story"]) == ("QUEUED", 0, None)
        assert snapshot["job"] == {"id": job_id, "kind": "AVATAR", "state": "QUEUED"}
        move(acme.server.engine, job_id, *TO_SUCCESS)
        messages = take(socket, len(TO_SUCCESS))
        assert seqs(messages) == SEQS
        assert [each["event"]["event"] for each in messages] == EVENTS
        assert [(each["state"], each["percent"]) for each in messages] == [
            (each["event"]["toState"], each["event"]["percent"]) for each in messages
        ]
        assert [each["isFinal"] for each in messages] == [False] * (MOVES - 1) + [True]
        assert [each["skipped"] for each in messages] == [0] * MOVES
        assert [each["cursor"] for each in messages] == [each["event"]["cursor"] for each in messages]
        assert socket.receive()["type"] == "complete"


def test_a_finished_job_is_one_final_snapshot(acme: Partner, job_id: str) -> None:
    move(acme.server.engine, job_id, *TO_SUCCESS)
    [only] = all_of(acme, jobId=job_id)
    assert (only["isSnapshot"], only["state"], only["percent"]) == (True, "SUCCEEDED", 100)


def test_a_failed_job_ends_with_its_failure(acme: Partner, job_id: str) -> None:
    with acme.socket() as socket:
        follow(socket, 1, jobId=job_id)
        move(acme.server.engine, job_id, *TO_FAILURE)
        messages = take(socket, len(TO_FAILURE))
        ends = [(each["state"], each["isFinal"]) for each in messages[-2:]]
        assert ends == [("COMPENSATING", False), ("FAILED", True)]
        assert socket.receive()["type"] == "complete"


def test_every_cursor_resumes_with_exactly_the_events_after_it(acme: Partner, job_id: str) -> None:
    move(acme.server.engine, job_id, *TO_SUCCESS)
    for seen in range(1, LAST_SEQ):
        messages = all_of(acme, jobId=job_id, after=job_cursor(decode_id(job_id, IdKind.JOB), seen))
        assert seqs(messages) == list(range(seen + 1, LAST_SEQ + 1))
        assert not any(each["isSnapshot"] for each in messages)


def test_a_cursor_at_the_end_gets_one_final_snapshot(acme: Partner, job_id: str) -> None:
    move(acme.server.engine, job_id, *TO_SUCCESS)
    [only] = all_of(acme, jobId=job_id, after=job_cursor(decode_id(job_id, IdKind.JOB), LAST_SEQ))
    assert (only["isSnapshot"], only["state"]) == (True, "SUCCEEDED")


def test_a_cursor_at_the_present_gets_the_coming_events(acme: Partner, job_id: str) -> None:
    with acme.socket() as socket:
        [snapshot] = follow(socket, 1, jobId=job_id)
    with acme.socket() as socket:
        socket.begin(FOLLOW, jobId=job_id, after=snapshot["cursor"])
        move(acme.server.engine, job_id, *TO_SUCCESS[:2])
        assert seqs(take(socket, 2)) == [2, 3]


def test_a_subscriber_that_keeps_leaving_misses_and_repeats_nothing(acme: Partner, job_id: str) -> None:
    messages, after = [], job_cursor(decode_id(job_id, IdKind.JOB), 1)
    for each in TO_SUCCESS:
        move(acme.server.engine, job_id, each)
        with acme.socket() as socket:
            [message] = follow(socket, 1, jobId=job_id, after=after)
            messages.append(message)
            after = message["cursor"]
    assert seqs(messages) == SEQS
    assert messages[-1]["isFinal"] is True


def test_a_redriven_job_is_followed_again(acme: Partner, job_id: str) -> None:
    move(acme.server.engine, job_id, *TO_FAILURE)
    [final] = all_of(acme, jobId=job_id)
    move(acme.server.engine, job_id, REDRIVEN, *TO_SUCCESS)
    messages = all_of(acme, jobId=job_id, after=final["cursor"])
    assert [each["event"]["event"] for each in messages] == ["REDRIVEN", *EVENTS]


def test_an_end_before_a_redrive_is_not_final(acme: Partner, job_id: str) -> None:
    move(acme.server.engine, job_id, *TO_FAILURE, REDRIVEN, *TO_SUCCESS)
    messages = all_of(acme, jobId=job_id, after=job_cursor(decode_id(job_id, IdKind.JOB), 1))
    assert seqs(messages) == list(range(2, len(TO_FAILURE) + 1 + MOVES + 2))
    assert messages[3]["state"] == "FAILED"


def test_two_subscribers_get_the_same_messages(acme: Partner, job_id: str) -> None:
    with acme.socket() as first, acme.socket() as second:
        assert follow(first, 1, jobId=job_id) == follow(second, 1, jobId=job_id)
        second.begin(FOLLOW, jobId=job_id)
        take(second, 1)
        move(acme.server.engine, job_id, *TO_SUCCESS)
        of_first = seqs(take(first, MOVES))
        assert of_first == SEQS
        messages = [second.receive() for _ in range(2 * (MOVES + 1))]
        for operation_id in ("0", "1"):
            mine = [message for message in messages if message["id"] == operation_id]
            assert [message["type"] for message in mine] == ["next"] * MOVES + ["complete"]
            assert seqs([message["payload"]["data"]["generationProgress"] for message in mine[:-1]]) == of_first


def test_a_story_is_followed_through_all_its_jobs(acme: Partner) -> None:
    story, engine = make_story(acme, acme.asset()), acme.server.engine
    with acme.socket() as socket:
        [snapshot] = follow(socket, 1, storyId=story["id"])
        assert snapshot["cursor"] == story["cursor"]
        assert (snapshot["job"]["kind"], snapshot["story"]["id"]) == ("AVATAR", story["id"])
        messages = []
        for kind in ("avatar", "scene", "animation"):
            moves = TO_SUCCESS if kind == "avatar" else (PARENT_READY, *TO_SUCCESS)
            move(engine, story[kind]["id"], *moves)
            messages += take(socket, len(moves))
        assert socket.receive()["type"] == "complete"
    percents = [each["percent"] for each in messages]
    assert percents == sorted(percents)
    assert [percents[MOVES - 1], percents[2 * MOVES], percents[3 * MOVES + 1]] == [30, 60, 100]
    kinds = ["AVATAR"] * MOVES + ["SCENE"] * (MOVES + 1) + ["ANIMATION"] * (MOVES + 1)
    assert [each["job"]["kind"] for each in messages] == kinds
    assert [each["isFinal"] for each in messages] == [False] * (3 * MOVES + 1) + [True]
    assert messages[MOVES - 2]["state"] == "TRANSCODING"
    assert messages[MOVES - 1]["state"] == "WAITING"
    for index, message in enumerate(messages[:-1]):
        again = all_of(acme, storyId=story["id"], after=message["cursor"])
        assert [each["cursor"] for each in again] == [each["cursor"] for each in messages[index + 1 :]]


def test_a_canceled_story_ends_with_the_last_of_its_jobs(acme: Partner) -> None:
    story, engine = make_story(acme, acme.asset(), animation=None), acme.server.engine
    with acme.socket() as socket:
        follow(socket, 1, storyId=story["id"])
        acme.ask(CANCEL_JOB, id=story["avatar"]["id"])
        messages = take(socket, 2)
        assert {each["event"]["event"] for each in messages} == {"CANCEL_REQUESTED", "PARENT_FAILED"}
        undone = TO_FAILURE[-1]
        move(engine, story["avatar"]["id"], undone)
        assert take(socket, 1)[0]["isFinal"] is False
        move(engine, story["scene"]["id"], undone)
        assert take(socket, 1)[0]["isFinal"] is True


@pytest.mark.parametrize("subject", [{}, {"jobId": "job_" + "0" * 26, "storyId": "story_" + "0" * 26}])
def test_a_subscription_follows_exactly_one_subject(acme: Partner, subject: dict[str, str]) -> None:
    assert _refused(acme, **subject) == "BAD_USER_INPUT"


def test_a_cursor_must_belong_to_the_subject(acme: Partner, job_id: str) -> None:
    story, other = make_story(acme, acme.asset()), make_avatar(acme, acme.asset())
    [mine, theirs] = (decode_id(each, IdKind.JOB) for each in (job_id, other))
    story_id = decode_id(story["id"], IdKind.STORY)
    page = acme.ask("{ jobs(first: 1) { pageInfo { endCursor } } }")["jobs"]["pageInfo"]["endCursor"]
    for after in ("", "nonsense", "ä", job_cursor(theirs, 1), job_cursor(mine, 0), job_cursor(mine, 2), page):
        assert _refused(acme, jobId=job_id, after=after) == "BAD_USER_INPUT", after
    mangled = job_cursor(mine, 1)
    for after in (mangled[:-1], mangled + "A", mangled[:4] + "!!!!" + mangled[4:], mangled.swapcase()):
        assert _refused(acme, jobId=job_id, after=after) == "BAD_USER_INPUT", after
    for after in (job_cursor(mine, 1), story_cursor(story_id, {}), story_cursor(story_id, {mine: 1})):
        assert _refused(acme, storyId=story["id"], after=after) == "BAD_USER_INPUT"


def test_a_cursor_into_purged_history_is_refused(acme: Partner, job_id: str) -> None:
    move(acme.server.engine, job_id, *TO_SUCCESS)
    with acme.server.engine.begin() as conn:
        conn.execute(text("DELETE FROM job_events WHERE job_id = :job"), {"job": decode_id(job_id, IdKind.JOB)})
    assert _refused(acme, jobId=job_id, after=job_cursor(decode_id(job_id, IdKind.JOB), 3)) == "BAD_USER_INPUT"
    [only] = all_of(acme, jobId=job_id)
    assert (only["isSnapshot"], only["state"]) == (True, "SUCCEEDED")


def _refused(caller: Caller, **subject: Any) -> str:
    with caller.socket() as socket:
        operation_id = socket.begin(FOLLOW, **subject)
        message = socket.receive()
        assert (message["type"], message["id"]) == ("error", operation_id)
        code: str = message["payload"][0]["extensions"]["code"]
        return code
