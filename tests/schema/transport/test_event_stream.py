"""GraphQL over server-sent events: an operation is a request whose response goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from schema.runtime import Limits
from schema.transport.app import ApiSettings
from tests.schema.documents import CREATE_AVATAR, FOLLOW, make_avatar, new_key
from tests.schema.live.subscribers import seqs
from tests.support.databases import unique_name
from tests.support.events import EventReader
from tests.support.eventually import eventually, scaled
from tests.support.partners import TO_SUCCESS, Partner, move, partner
from tests.support.serving import Caller, serving

STREAM = {"Accept": "text/event-stream"}
THEMES = "{ themes { key } }"


class Stream(EventReader):
    """The events of an operation."""

    def messages(self, count: int) -> list[dict[str, Any]]:
        """Return the next messages of a subscription."""
        return [self.next().data["data"]["generationProgress"] for _ in range(count)]


@contextmanager
def streaming(caller: Caller, document: str, **variables: Any) -> Iterator[Stream]:
    """Send an operation and yield its stream."""
    body = {"query": document, "variables": variables}
    with (
        httpx.Client(timeout=scaled(30)) as client,
        client.stream("POST", f"{caller.server.url}/graphql", json=body, headers=caller.headers | STREAM) as response,
    ):
        yield Stream(response)


def all_of(caller: Caller, document: str, **variables: Any) -> list[tuple[str, Any]]:
    """Return every event up to the last, after which the response must end."""
    found = []
    with streaming(caller, document, **variables) as stream:
        assert stream.response.status_code == 200
        assert stream.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.response.headers["cache-control"] == "no-store"
        while (given := stream.next()).name != "complete":
            found.append((given.name, given.data))
        assert given.data is None
        assert stream.has_ended()
    return found


def test_a_subscription_is_followed_and_resumed(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    with streaming(acme, FOLLOW, jobId=job_id) as stream:
        [snapshot] = stream.messages(1)
        assert (snapshot["isSnapshot"], snapshot["state"]) == (True, "QUEUED")
        move(acme.server.engine, job_id, *TO_SUCCESS[:2])
        seen = stream.messages(2)
    move(acme.server.engine, job_id, *TO_SUCCESS[2:])
    rest = [
        data["data"]["generationProgress"] for _, data in all_of(acme, FOLLOW, jobId=job_id, after=seen[-1]["cursor"])
    ]
    assert seqs(seen) + seqs(rest) == list(range(2, len(TO_SUCCESS) + 2))
    assert rest[-1]["isFinal"]


def test_queries_and_mutations_are_one_result(acme: Partner) -> None:
    [(name, query)] = all_of(acme, THEMES)
    assert (name, bool(query["data"]["themes"])) == ("next", True)
    given = {"selfieId": acme.asset(), "idempotencyKey": new_key()}
    [(_, made)] = all_of(acme, CREATE_AVATAR, input=given)
    assert made["data"]["createAvatar"]["job"]["state"] == "QUEUED"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { themes { key } } query B { themes { key } }", "OPERATION_RESOLUTION_FAILURE"),
        ('subscription { generationProgress(jobId: "job_00000000000000000000000000") { percent } }', "NOT_FOUND"),
    ],
)
def test_errors_are_a_result(acme: Partner, document: str, code: str) -> None:
    [(name, payload)] = all_of(acme, document)
    assert (name, payload["errors"][0]["extensions"]["code"]) == ("next", code)
    assert payload.get("data") is None


def test_a_stream_needs_a_caller_and_a_post(acme: Partner) -> None:
    stranger = Caller(acme.server, "dio_unknown")
    with streaming(stranger, THEMES) as stream:
        stream.response.read()
        assert stream.response.status_code == 401
        assert stream.response.headers["content-type"].startswith("application/json")
        assert stream.response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    address = f"{acme.server.url}/graphql"
    assert httpx.get(address, params={"query": THEMES}, headers=acme.headers | STREAM).status_code == 405


def test_a_quiet_stream_is_kept_open_and_ends_with_its_key(api_database: str) -> None:
    often = timedelta(milliseconds=50)
    with serving(api_database, ApiSettings(ping_every=often, check_keys_every=often)) as server:
        acme = partner(server, unique_name("stream"))
        job_id = make_avatar(acme, acme.asset())
        with streaming(acme, FOLLOW, jobId=job_id) as stream:
            stream.messages(1)
            stream.take_ping()
            with server.engine.begin() as conn:
                conn.execute(
                    text("UPDATE api_keys SET revoked_at = now() WHERE account_id = :id"),
                    {"id": acme.principal.account_id},
                )
            assert stream.has_ended()
        eventually(lambda: server.hub.followed == 0)


def test_a_client_that_leaves_is_no_longer_followed(acme: Partner) -> None:
    followed = acme.server.hub.followed
    job_id = make_avatar(acme, acme.asset())
    with streaming(acme, FOLLOW, jobId=job_id) as stream:
        stream.messages(1)
        eventually(lambda: acme.server.hub.followed > followed)
    eventually(lambda: acme.server.hub.followed == followed)


def test_a_server_that_stops_ends_its_streams_unfinished(api_database: str) -> None:
    with serving(api_database) as server:
        acme = partner(server, unique_name("stream"))
        with streaming(acme, FOLLOW, jobId=make_avatar(acme, acme.asset())) as stream:
            stream.messages(1)
            server.stop()
            assert stream.has_ended()


def test_a_process_has_a_limit_of_streams(api_database: str) -> None:
    with serving(api_database, ApiSettings(limits=Limits(streams=1))) as server:
        acme = partner(server, unique_name("stream"))
        job_id = make_avatar(acme, acme.asset())
        with streaming(acme, FOLLOW, jobId=job_id) as first:
            first.messages(1)
            with streaming(acme, FOLLOW, jobId=job_id) as second:
                assert second.response.status_code == 503
        eventually(lambda: acme.post(THEMES, Accept="text/event-stream").status_code == 200)
