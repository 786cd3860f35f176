"""`jobActivity` sends every entry after a cursor once and in order, and then each as it comes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine

from db.engine.activity import sequence
from schema.cursors import activity_cursor
from tests.schema.documents import make_avatar
from tests.schema.queries.test_activity import avatar_of
from tests.support.databases import unique_name
from tests.support.eventually import eventually
from tests.support.partners import LAST_SEQ, TO_SUCCESS, Partner, move, partner
from tests.support.serving import Server, Socket

FOLLOW_ALL = """
subscription ($after: String, $filter: ActivityFilter) {
  jobActivity(after: $after, filter: $filter) { cursor type jobId state event { seq } job { id } }
}
"""


def run_sequencer(engine: Engine) -> None:
    with engine.begin() as conn:
        sequence(conn)


def take(socket: Socket, count: int) -> list[dict[str, Any]]:
    return [socket.next()["jobActivity"] for _ in range(count)]


def test_entries_follow_a_cursor_and_then_come_as_they_happen(acme: Partner) -> None:
    engine = acme.server.engine
    job_id = make_avatar(acme, acme.asset())
    run_sequencer(engine)
    with acme.socket() as socket:
        socket.begin(FOLLOW_ALL, after=activity_cursor(acme.principal.account_id, 0))
        [born] = take(socket, 1)
        assert (born["jobId"], born["state"], born["event"]) == (job_id, "QUEUED", {"seq": 1})
        move(engine, job_id, *TO_SUCCESS)
        run_sequencer(engine)
        moved = take(socket, len(TO_SUCCESS))
    assert [each["event"]["seq"] for each in moved] == list(range(2, LAST_SEQ + 1))
    with acme.socket() as socket:
        socket.begin(FOLLOW_ALL, after=moved[3]["cursor"])
        assert take(socket, LAST_SEQ - 5) == moved[4:]


def test_without_a_cursor_it_begins_now_and_a_filter_passes_over_the_rest(acme: Partner) -> None:
    engine = acme.server.engine
    make_avatar(acme, acme.asset())
    run_sequencer(engine)
    with acme.socket() as socket:
        socket.begin(FOLLOW_ALL, filter={"states": ["SUCCEEDED"]})
        eventually(lambda: _readers(acme.server) == 1)
        job_id = make_avatar(acme, acme.asset())
        move(engine, job_id, *TO_SUCCESS)
        run_sequencer(engine)
        [ended] = take(socket, 1)
    assert (ended["jobId"], ended["event"]["seq"]) == (job_id, LAST_SEQ)
    eventually(lambda: _readers(acme.server) == 0)


def test_a_session_gets_only_its_own(acme: Partner) -> None:
    engine = acme.server.engine
    ada = acme.user("ada")
    start = activity_cursor(acme.principal.account_id, 0)
    make_avatar(acme, acme.asset())
    hers = avatar_of(acme, ada)
    run_sequencer(engine)
    with ada.socket() as socket:
        socket.begin(FOLLOW_ALL, after=start)
        assert [each["jobId"] for each in take(socket, 1)] == [hers]


def _readers(server: Server) -> int:
    return sum(len(wakes) for wakes in server.hub.accounts._wakes.values())


def test_the_notification_of_the_sequencer_is_enough(hinted: Server) -> None:
    """This server never polls."""
    caller = partner(hinted, unique_name("woken"))
    with caller.socket() as socket:
        socket.begin(FOLLOW_ALL)
        eventually(lambda: _readers(hinted) == 1)
        job_id = make_avatar(caller, caller.asset())
        run_sequencer(hinted.engine)
        assert [each["jobId"] for each in take(socket, 1)] == [job_id]
