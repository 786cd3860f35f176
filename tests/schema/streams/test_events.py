"""Server-sent events: messages as they come, and after each how to go on without it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from schema.transport.app import ApiSettings
from tests.schema.documents import make_avatar, make_story
from tests.schema.live.subscribers import NEVER
from tests.schema.queries.test_activity import avatar_of
from tests.schema.streams.reading import following, get, seqs, sequenced, tail
from tests.support.databases import unique_name
from tests.support.eventually import eventually
from tests.support.partners import LAST_SEQ, PARENT_READY, TO_SUCCESS, Partner, move, partner
from tests.support.serving import Server, serving

OFTEN = timedelta(milliseconds=50)


@pytest.fixture(scope="module")
def quiet_server(api_database: str) -> Iterator[Server]:
    """Yield a server whose readers are woken by hints only, and stay as long as they like."""
    with serving(api_database, ApiSettings(poll_every=NEVER, events_for=NEVER)) as running:
        yield running


@pytest.fixture
def follower(quiet_server: Server) -> Partner:
    return partner(quiet_server, unique_name("follower"))


def test_a_story_is_followed_to_its_end(follower: Partner) -> None:
    story = make_story(follower, follower.asset())
    jobs = [story[part]["id"] for part in ("avatar", "scene", "animation")]
    path = f"stories/{story['id']}"
    with following(follower, path, "-1") as events:
        assert events.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert events.response.headers["cache-control"] == "no-store"
        born, control = events.batch()
        assert ([each["jobId"] for each in born], control["upToDate"]) == (jobs, True)
        found, offsets = [], [control["streamNextOffset"]]
        for number, job_id in enumerate(jobs):
            moves = TO_SUCCESS if number == 0 else (PARENT_READY, *TO_SUCCESS)
            move(follower.server.engine, job_id, *moves)
            seen = list[int]()
            while len(seen) < len(moves):
                messages, control = events.batch()
                offsets.append(control["streamNextOffset"])
                seen += seqs(messages)
                found += messages
            assert seen == list(range(2, len(moves) + 2))
        assert (control["streamClosed"], control["upToDate"]) == (True, True)
        assert events.has_ended()
    assert offsets == sorted(set(offsets))
    assert found[-1]["progress"] == {"state": "SUCCEEDED", "percent": 100}
    rest = get(follower, path, offset=offsets[1]).json()
    assert 0 < len(rest) < len(found)
    assert rest == found[-len(rest) :]


def test_the_activity_is_followed_from_now_on(follower: Partner) -> None:
    make_avatar(follower, follower.asset())
    sequenced(follower)
    with following(follower, "activity", "now") as events:
        nothing, control = events.batch()
        assert (nothing, control["upToDate"], control["streamNextOffset"]) == ([], True, tail(follower, "activity"))
        job_id = make_avatar(follower, follower.asset())
        move(follower.server.engine, job_id, *TO_SUCCESS)
        sequenced(follower)
        seen = list[int]()
        while len(seen) < LAST_SEQ:
            messages, control = events.batch()
            seen += seqs(messages)
        assert seen == list(range(1, LAST_SEQ + 1))
        assert control["streamNextOffset"] == tail(follower, "activity")
        assert "streamClosed" not in control


def test_more_than_one_batch_comes_one_after_the_other(follower: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("activity_stream", "job_stream"):
        monkeypatch.setattr(f"schema.streams.{module}.BATCH_MAX", 2)
    job_id = make_avatar(follower, follower.asset())
    move(follower.server.engine, job_id, *TO_SUCCESS)
    sequenced(follower)
    for path in (f"jobs/{job_id}", "activity"):
        with following(follower, path, "-1") as events:
            seen, up_to_date = list[int](), False
            while not up_to_date:
                messages, control = events.batch()
                seen += seqs(messages)
                up_to_date = control.get("upToDate", False)
            assert seen == list(range(1, LAST_SEQ + 1))


def test_the_stream_of_what_has_ended_is_one_event(follower: Partner) -> None:
    job_id = make_avatar(follower, follower.asset())
    move(follower.server.engine, job_id, *TO_SUCCESS)
    with following(follower, f"jobs/{job_id}", tail(follower, f"jobs/{job_id}")) as events:
        messages, control = events.batch()
        assert (messages, control["streamClosed"]) == ([], True)
        assert events.has_ended()


def test_a_browser_resumes_after_the_last_id(follower: Partner) -> None:
    """EventSource repeats the address of its first request, and adds the id that it saw last."""
    job_id = make_avatar(follower, follower.asset())
    path = f"jobs/{job_id}"
    move(follower.server.engine, job_id, *TO_SUCCESS[:2])
    with following(follower, path, "-1") as events:
        name, first_id, messages = events.next()
        assert (name, seqs(messages), first_id) == ("data", [1, 2, 3], tail(follower, path))
    move(follower.server.engine, job_id, TO_SUCCESS[2])
    for offset in ("-1", "now"):
        with following(follower, path, offset, headers={"Last-Event-ID": first_id}) as events:
            assert seqs(events.batch()[0]) == [4]
    move(follower.server.engine, job_id, *TO_SUCCESS[3:])
    with following(follower, path, "-1", headers={"Last-Event-ID": first_id}) as events:
        messages, control = events.batch()
        assert (seqs(messages), control["streamClosed"]) == (list(range(4, LAST_SEQ + 1)), True)
    with following(follower, path, "-1", headers={"Last-Event-ID": control["streamNextOffset"]}) as events:
        # Without a body and with this status, a browser does not come back.
        assert events.response.status_code == 204


def test_a_refusal_has_its_status(follower: Partner) -> None:
    job_id = make_avatar(follower, follower.asset())
    for path, offset, status in (
        (f"jobs/{job_id}", "0000000099", 400),
        ("activity", "?", 400),
        ("jobs/nothing", "-1", 404),
    ):
        assert get(follower, path, offset=offset, live="sse").status_code == status


def test_a_response_ends_after_a_time_and_the_next_goes_on(api_database: str) -> None:
    with serving(api_database, ApiSettings(events_for=OFTEN)) as server:
        acme = partner(server, unique_name("brief"))
        job_id = make_avatar(acme, acme.asset())
        with following(acme, f"jobs/{job_id}", "now") as events:
            offset = events.batch()[1]["streamNextOffset"]
            assert events.has_ended()
        move(server.engine, job_id, TO_SUCCESS[0])
        with following(acme, f"jobs/{job_id}", offset) as events:
            assert seqs(events.batch()[0]) == [2]


def test_a_quiet_stream_is_kept_open_and_ends_with_its_token(api_database: str) -> None:
    with serving(api_database, ApiSettings(ping_every=OFTEN, check_keys_every=OFTEN, events_for=NEVER)) as server:
        acme = partner(server, unique_name("token"))
        account_id = acme.principal.account_id
        ada = acme.user("ada")
        job_id = avatar_of(acme, ada)
        with following(ada, f"jobs/{job_id}", "now") as events:
            events.batch()
            events.take_ping()
            with server.engine.begin() as conn:
                end = text("UPDATE sessions SET expires_at = now() WHERE account_id = :id")
                conn.execute(end, {"id": account_id})
            assert events.has_ended()
        eventually(lambda: server.hub.followed == 0)
        assert get(ada, f"jobs/{job_id}", offset="now", live="sse").status_code == 401
        move(server.engine, job_id, TO_SUCCESS[0])
        with following(acme.user("ada"), f"jobs/{job_id}", "0000000001") as events:
            assert seqs(events.batch()[0]) == [2]


def test_a_client_that_leaves_is_no_longer_followed(follower: Partner) -> None:
    hub = follower.server.hub
    job_id = make_avatar(follower, follower.asset())
    for path in (f"jobs/{job_id}", "activity"):
        with following(follower, path, "now") as events:
            events.batch()
            eventually(lambda: bool(hub.followed or hub.accounts._wakes))
        eventually(lambda: not hub.followed and not hub.accounts._wakes)


def test_a_server_that_stops_ends_its_streams(api_database: str) -> None:
    with serving(api_database, ApiSettings(events_for=NEVER)) as server:
        acme = partner(server, unique_name("stopped"))
        job_id = make_avatar(acme, acme.asset())
        with following(acme, f"jobs/{job_id}", "now") as one, following(acme, "activity", "now") as all_of_it:
            one.batch()
            all_of_it.batch()
            server.stop()
            assert (one.has_ended(), all_of_it.has_ended()) == (True, True)
