"""Long-polling: a request waits for what comes, and loses nothing by its end."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from schema.runtime import Limits
from schema.transport.app import ApiSettings
from tests.schema.documents import make_avatar, make_story
from tests.schema.live.subscribers import NEVER
from tests.schema.queries.test_activity import avatar_of
from tests.schema.streams.reading import get, read, refused, seqs, sequenced, tail
from tests.support.databases import unique_name
from tests.support.eventually import eventually
from tests.support.partners import LAST_SEQ, REDRIVEN, TO_OUTAGE, TO_SUCCESS, Partner, move, partner
from tests.support.relay import relaying
from tests.support.serving import Caller, Server, serving

NOT_LONG = timedelta(milliseconds=50)


@pytest.fixture(scope="module")
def waiting_server(api_database: str) -> Iterator[Server]:
    """Yield a server whose readers are woken by hints only, and wait as long as it takes."""
    with serving(api_database, ApiSettings(poll_every=NEVER, long_poll_for=NEVER)) as running:
        yield running


@pytest.fixture
def brief_server(api_database: str) -> Iterator[Server]:
    """Yield a server whose requests wait for a moment, and whose keys are checked all the time."""
    with serving(api_database, ApiSettings(long_poll_for=NOT_LONG, check_keys_every=NOT_LONG)) as running:
        yield running


@pytest.fixture
def waiter(waiting_server: Server) -> Partner:
    return partner(waiting_server, unique_name("waiter"))


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def poll(caller: Caller, path: str, offset: str, **more: Any) -> httpx.Response:
    response: httpx.Response = get(caller, path, offset=offset, live="long-poll", **more)
    return response


def is_waiting(server: Server) -> bool:
    return bool(server.hub.followed or server.hub.accounts._wakes)


def test_what_is_there_comes_at_once(waiter: Partner) -> None:
    job_id = make_avatar(waiter, waiter.asset())
    sequenced(waiter)
    for path in (f"jobs/{job_id}", "activity"):
        response = poll(waiter, path, "-1")
        assert (response.status_code, seqs(response.json())) == (200, [1])
        assert response.headers["stream-up-to-date"] == "true"
        assert response.headers["stream-next-offset"] == tail(waiter, path)
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("offset", ["now", "last"])
def test_a_request_is_woken_by_what_comes(waiter: Partner, pool: ThreadPoolExecutor, offset: str) -> None:
    """Of the activity by the sequencer, of jobs and stories by the hint of the move."""
    story = make_story(waiter, waiter.asset())
    job_id = story["avatar"]["id"]
    sequenced(waiter)
    for number, path in enumerate(("activity", f"stories/{story['id']}", f"jobs/{job_id}")):
        waiting = pool.submit(poll, waiter, path, "now" if offset == "now" else tail(waiter, path))
        eventually(lambda: is_waiting(waiter.server))
        move(waiter.server.engine, job_id, TO_SUCCESS[number])
        sequenced(waiter)
        response = waiting.result()
        assert (response.status_code, seqs(response.json())) == (200, [number + 2])
        eventually(lambda: not is_waiting(waiter.server))


def test_the_end_is_closed_and_no_request_waits_for_more(waiter: Partner, pool: ThreadPoolExecutor) -> None:
    job_id = make_avatar(waiter, waiter.asset())
    path = f"jobs/{job_id}"
    move(waiter.server.engine, job_id, *TO_SUCCESS[:-1])
    waiting = pool.submit(poll, waiter, path, tail(waiter, path))
    eventually(lambda: is_waiting(waiter.server))
    move(waiter.server.engine, job_id, TO_SUCCESS[-1])
    last = waiting.result()
    assert (seqs(last.json()), last.headers["stream-closed"]) == ([LAST_SEQ], "true")
    ended = poll(waiter, path, last.headers["stream-next-offset"])
    assert (ended.status_code, ended.content) == (204, b"")
    assert (ended.headers["stream-closed"], ended.headers["stream-up-to-date"]) == ("true", "true")
    assert ended.headers["stream-next-offset"] == last.headers["stream-next-offset"]


def test_a_retry_goes_on_after_the_end(waiter: Partner, pool: ThreadPoolExecutor) -> None:
    job_id = make_avatar(waiter, waiter.asset())
    move(waiter.server.engine, job_id, *TO_OUTAGE)
    end = tail(waiter, f"jobs/{job_id}")
    move(waiter.server.engine, job_id, REDRIVEN)
    assert seqs(poll(waiter, f"jobs/{job_id}", end).json()) == [len(TO_OUTAGE) + 2]


def test_time_runs_out_without_messages(brief_server: Server) -> None:
    acme = partner(brief_server, unique_name("brief"))
    job_id = make_avatar(acme, acme.asset())
    sequenced(acme)
    for path in (f"jobs/{job_id}", "activity"):
        response = poll(acme, path, "now")
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["stream-next-offset"] == tail(acme, path)
        assert (response.headers["stream-up-to-date"], "stream-closed" in response.headers) == ("true", False)


def test_a_reader_to_whom_nothing_is_shown_moves_on(brief_server: Server) -> None:
    acme = partner(brief_server, unique_name("brief"))
    make_avatar(acme, acme.asset())
    sequenced(acme)
    ada = acme.user("ada")
    response = poll(ada, "activity", f"{0:019}")
    assert (response.status_code, response.headers["stream-next-offset"]) == (204, tail(acme, "activity"))


def test_the_cursor_grows(brief_server: Server) -> None:
    acme = partner(brief_server, unique_name("brief"))
    job_id = make_avatar(acme, acme.asset())
    path = f"jobs/{job_id}"
    first = int(poll(acme, path, "-1").headers["stream-cursor"])
    assert int(poll(acme, path, "-1", cursor=first - 100).headers["stream-cursor"]) >= first
    for offset in ("-1", "now"):
        assert int(poll(acme, path, offset, cursor=first + 100).headers["stream-cursor"]) > first + 100
    assert int(poll(acme, path, "-1", cursor="of another server").headers["stream-cursor"]) >= first


def test_a_client_that_leaves_is_no_longer_followed(waiter: Partner, pool: ThreadPoolExecutor) -> None:
    make_avatar(waiter, waiter.asset())
    sequenced(waiter)
    with relaying(waiter.server.url) as relay:
        address = f"http://127.0.0.1:{relay.port}/streams/activity?offset=now&live=long-poll"
        waiting = pool.submit(httpx.get, address, headers=waiter.headers, timeout=None)
        eventually(lambda: is_waiting(waiter.server))
        assert relay.cut() == 1
        assert isinstance(waiting.exception(), httpx.TransportError)
    eventually(lambda: not is_waiting(waiter.server))


def test_a_key_that_is_revoked_ends_the_wait(api_database: str, pool: ThreadPoolExecutor) -> None:
    settings = ApiSettings(long_poll_for=NEVER, check_keys_every=NOT_LONG)
    with serving(api_database, settings) as server:
        acme = partner(server, unique_name("revoked"))
        account_id = acme.principal.account_id
        job_id = make_avatar(acme, acme.asset())
        waiting = pool.submit(poll, acme, f"jobs/{job_id}", "now")
        eventually(lambda: is_waiting(server))
        with server.engine.begin() as conn:
            revoke = text("UPDATE api_keys SET revoked_at = now() WHERE account_id = :id")
            conn.execute(revoke, {"id": account_id})
        ended = waiting.result()
        assert (ended.status_code, ended.headers["stream-next-offset"]) == (204, "0000000001")
        assert refused(acme, f"jobs/{job_id}", offset="now", live="long-poll") == (401, "UNAUTHENTICATED")


def test_a_token_that_expires_ends_the_wait_and_a_fresh_one_resumes(waiter: Partner) -> None:
    ada = waiter.user("ada")
    job_id = avatar_of(waiter, ada)
    path = f"jobs/{job_id}"
    brief = waiter.user("ada", lasts_s=1)
    ended = poll(brief, path, "now")
    assert ended.status_code in (204, 401)
    if ended.status_code == 204:
        eventually(lambda: get(brief, path).status_code == 401)
    move(waiter.server.engine, job_id, TO_SUCCESS[0])
    assert seqs(poll(waiter.user("ada"), path, "0000000001").json()) == [2]


def test_a_suspended_caller_reads_but_does_not_wait(acme: Partner, support: Partner) -> None:
    ada = acme.user("ada")
    job_id = avatar_of(acme, ada)
    with acme.server.engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO suspensions (account_id, user_ref, suspended_by, reason) "
                "VALUES (:id, 'ada', 'support:a', 'why')"
            ),
            {"id": acme.principal.account_id},
        )
    assert seqs(read(ada, f"jobs/{job_id}").json()) == [1]
    for live in ("long-poll", "sse"):
        assert refused(ada, f"jobs/{job_id}", offset="-1", live=live) == (403, "SUSPENDED")


def test_a_server_that_stops_lets_its_readers_go(api_database: str, pool: ThreadPoolExecutor) -> None:
    with serving(api_database, ApiSettings(long_poll_for=NEVER)) as server:
        acme = partner(server, unique_name("stopped"))
        job_id = make_avatar(acme, acme.asset())
        waiting = [pool.submit(poll, acme, path, "now") for path in (f"jobs/{job_id}", "activity")]
        eventually(lambda: server.hub.followed and server.hub.accounts._wakes)
        server.stop()
        assert [each.result().status_code for each in waiting] == [204, 204]


def test_a_process_has_a_limit_of_readers_that_wait(api_database: str, pool: ThreadPoolExecutor) -> None:
    settings = ApiSettings(limits=Limits(streams=1), long_poll_for=NEVER)
    with serving(api_database, settings) as server:
        acme = partner(server, unique_name("full"))
        job_id = make_avatar(acme, acme.asset())
        path = f"jobs/{job_id}"
        waiting = pool.submit(poll, acme, path, "now")
        eventually(lambda: is_waiting(server))
        for live in ("long-poll", "sse"):
            assert refused(acme, path, offset="-1", live=live) == (503, "LIMIT_EXCEEDED")
        assert read(acme, path).status_code == 200
        move(server.engine, job_id, TO_SUCCESS[0])
        assert waiting.result().status_code == 200
        assert poll(acme, path, "-1").status_code == 200
