"""The hub delivers every event of a job or story that a hint names."""

from __future__ import annotations

from typing import cast

from statemachine.vocabulary import Event, State
from tests.schema.documents import CANCEL_JOB, FOLLOW, make_avatar, make_story
from tests.schema.live.subscribers import follow, job_at, listeners, seqs, take
from tests.support.databases import unique_name
from tests.support.eventually import eventually
from tests.support.partners import (
    PARENT_READY,
    ROLLED_BACK,
    TO_FAILURE,
    TO_SUCCESS,
    Move,
    hex_of,
    move,
    move_together,
    notify,
    partner,
)
from tests.support.serving import Server, Socket


def test_a_hint_alone_brings_the_events(alone: Server) -> None:
    caller, job_id = job_at(alone)
    eventually(lambda: len(listeners(alone.engine)) > 0)
    with caller.socket() as socket:
        follow(socket, 1, jobId=job_id)
        move(alone.engine, job_id, *TO_SUCCESS[:2])
        assert seqs(take(socket, 2)) == [2, 3]
        move(alone.engine, job_id, TO_SUCCESS[2], hint=False)
        notify(alone.engine, "*")
        assert seqs(take(socket, 1)) == [4]


def test_events_committed_before_a_subscription_began_are_sent(alone: Server) -> None:
    caller, job_id = job_at(alone)
    eventually(lambda: len(listeners(alone.engine)) > 0)
    with caller.socket() as socket:
        follow(socket, 1, jobId=job_id)
        move(alone.engine, job_id, TO_SUCCESS[0])
        [message] = take(socket, 1)
        # No hint names these, so only the second subscriber's arrival can bring them.
        move(alone.engine, job_id, *TO_SUCCESS[1:3], hint=False)
        with caller.socket() as other:
            [snapshot] = follow(other, 1, jobId=job_id)
        assert snapshot["percent"] == 30
        assert seqs(take(socket, 2)) == [3, 4]
        assert message["event"]["seq"] == 2


def test_a_cancel_is_sent_for_every_job_that_it_ends(hinted: Server) -> None:
    caller = partner(hinted, unique_name("hub"))
    story = make_story(caller, caller.asset())
    with caller.socket() as socket:
        follow(socket, 1, storyId=story["id"])
        caller.ask(CANCEL_JOB, id=story["avatar"]["id"])
        messages = take(socket, 3)
    assert {each["event"]["event"] for each in messages} == {"CANCEL_REQUESTED", "PARENT_FAILED"}


def test_a_cancel_is_sent_while_the_paid_call_is_under_way(hinted: Server) -> None:
    """It changes no state; still, the subscription, the job and its history show it."""
    caller, job_id = job_at(hinted)
    move(hinted.engine, job_id, TO_SUCCESS[0])
    with caller.socket() as socket:
        follow(socket, 1, jobId=job_id)
        caller.ask(CANCEL_JOB, id=job_id)
        [message] = take(socket, 1)
    assert (message["event"]["event"], message["event"]["toState"]) == ("CANCEL_REQUESTED", "SUBMITTING")
    assert not message["isFinal"]
    job = caller.ask("query ($id: ID!) { job(id: $id) { state cancelRequestedAt } }", id=job_id)["job"]
    assert job["state"] == "SUBMITTING"
    assert job["cancelRequestedAt"] is not None


def test_one_hint_may_name_many_jobs_and_unknown_words(hinted: Server) -> None:
    caller, job_id = job_at(hinted)
    other = make_avatar(caller, caller.asset())
    with caller.socket() as socket:
        follow(socket, 1, jobId=job_id)
        follow(socket, 1, jobId=other)
        for each in (job_id, other):
            move(hinted.engine, each, TO_SUCCESS[0], hint=False)
        notify(hinted.engine, "not-an-id")
        notify(hinted.engine, " ".join(hex_of(each) for each in (job_id, other)))
        assert {each["job"]["id"] for each in take(socket, 2)} == {job_id, other}


def test_a_subscription_goes_on_while_the_end_of_one_job_rolls_back_its_parents(hinted: Server) -> None:
    """One transaction ends the animation and rolls the scene back; the hint may name the animation alone."""
    caller = partner(hinted, unique_name("hub"))
    story = make_story(caller, caller.asset())
    avatar, scene, animation = (story[kind]["id"] for kind in ("avatar", "scene", "animation"))
    move(hinted.engine, avatar, *TO_SUCCESS, hint=False)
    move(hinted.engine, scene, PARENT_READY, *TO_SUCCESS, hint=False)
    move(hinted.engine, animation, PARENT_READY, *TO_FAILURE[:-1], hint=False)
    with caller.socket() as socket:
        follow(socket, 1, storyId=story["id"])
        move_together(hinted.engine, (animation, TO_FAILURE[-1]), (scene, ROLLED_BACK))
        notify(hinted.engine, hex_of(animation))
        messages = take(socket, 2)
        assert {each["event"]["event"] for each in messages} == {"UNDONE", "ROLLED_BACK"}
        assert [each["isFinal"] for each in messages] == [False, False]
        move_together(hinted.engine, (scene, TO_FAILURE[-1]), (avatar, ROLLED_BACK))
        move(hinted.engine, avatar, TO_FAILURE[-1])
        assert [each["isFinal"] for each in take(socket, 3)] == [False, False, True]


def test_an_event_of_a_newer_version_ends_only_the_subscriptions_of_its_job(alone: Server) -> None:
    caller, strange = job_at(alone)
    usual = make_avatar(caller, caller.asset())
    with alone.engine.begin() as conn:
        conn.exec_driver_sql("INSERT INTO job_transitions VALUES ('queued', 'teleported', 'submitting')")
    with caller.socket() as first, caller.socket() as second:
        [snapshot] = follow(first, 1, jobId=strange)
        follow(second, 1, jobId=usual)
        move(alone.engine, strange, Move(cast("Event", "teleported"), State.SUBMITTING), hint=False)
        move(alone.engine, usual, TO_SUCCESS[0], hint=False)
        notify(alone.engine, f"{hex_of(strange)} {hex_of(usual)}")
        assert seqs(take(second, 1)) == [2]
        _refused_for_a_moment(first)
        first.begin(FOLLOW, jobId=strange, after=snapshot["cursor"])
        _refused_for_a_moment(first)
        move(alone.engine, usual, TO_SUCCESS[1])
        assert seqs(take(second, 1)) == [3]


def _refused_for_a_moment(socket: Socket) -> None:
    message = socket.receive()
    assert message["type"] == "error", message
    extensions = message["payload"][0]["extensions"]
    assert (extensions["code"], extensions["retryable"]) == ("SERVICE_UNAVAILABLE", True)


def test_only_subscribers_with_the_same_rights_get_the_same_messages(hinted: Server) -> None:
    caller, job_id = job_at(hinted)
    staff = partner(hinted, unique_name("staff"), role="admin")
    document = FOLLOW.replace("event { seq", "event { reason seq")
    with caller.socket() as first, caller.socket() as second, staff.socket() as third:
        for socket in (first, second, third):
            socket.begin(document, jobId=job_id)
            take(socket, 1)
        move(hinted.engine, job_id, *TO_FAILURE)
        messages, same, whole = (take(socket, len(TO_FAILURE)) for socket in (first, second, third))
    assert messages == same
    assert [each["event"]["reason"] for each in messages] == [None] * 4
    assert [each["event"]["reason"] for each in whole] == [None, None, "a reason for support", "a reason for support"]


def test_a_subscriber_leaves_nothing_behind(hinted: Server) -> None:
    caller, job_id = job_at(hinted)
    with caller.socket() as socket:
        for _ in range(3):
            operation_id = socket.begin(FOLLOW, jobId=job_id)
            take(socket, 1)
            # The snapshot is sent first: only then does the subscription begin to receive events.
            eventually(lambda: hinted.hub.followed == 1)
            socket.send({"type": "complete", "id": operation_id})
            eventually(lambda: hinted.hub.followed == 0)
        move(hinted.engine, job_id, TO_SUCCESS[0])
        socket.begin(FOLLOW, jobId=job_id)
        assert take(socket, 1)[0]["state"] == "SUBMITTING"
        move(hinted.engine, job_id, TO_SUCCESS[1])
        assert seqs(take(socket, 1)) == [3]
    eventually(lambda: hinted.hub.followed == 0)
