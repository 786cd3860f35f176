"""graphql-transport-ws at its edges: what closes a socket, with which code, and what only ends an operation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from jobs.identity import revoke_api_key
from schema.transport.app import ApiSettings, Limits
from tests.schema.documents import FOLLOW, make_avatar
from tests.support.databases import unique_name
from tests.support.eventually import eventually, scaled
from tests.support.partners import TO_SUCCESS, Partner, move, partner
from tests.support.serving import Caller, Server, Socket, raw_socket, serving

THEMES = "{ themes { key } }"


@pytest.fixture
def quick(api_database: str) -> Iterator[Server]:
    """A server that often looks at its sockets, of which it has few."""
    often = timedelta(milliseconds=50)
    limits = Limits(operations_per_socket=2, sockets=2)
    with serving(api_database, ApiSettings(limits=limits, ping_every=often, check_keys_every=often)) as running:
        yield running


def _closed(connection: ClientConnection) -> int:
    """Return the code with which the server closes, after whatever it still sends."""
    with pytest.raises(ConnectionClosed) as closed:
        _drain(connection)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def _drain(connection: ClientConnection) -> None:
    while True:
        connection.recv(timeout=scaled(10))


def _init(caller: Caller) -> dict[str, Any]:
    return {"type": "connection_init", "payload": {"authorization": f"Bearer {caller.secret}"}}


def _subscribe(query: Any = THEMES, **more: Any) -> dict[str, Any]:
    return {"type": "subscribe", "id": "1", "payload": {"query": query, **more}}


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["not json"], 4400),
        (["[]"], 4400),
        (["3"], 4400),
        (["null"], 4400),
        (['"x"'], 4400),
        (["{}"], 4400),
        (['{"type": 3}'], 4400),
        (["[" * 5000], 4400),
        ([{"type": "connection_init", "payload": 3}], 4400),
        ([{"type": "connection_init", "payload": []}], 4400),
        ([{"type": "connection_init"}], 4403),
        ([{"type": "connection_init", "payload": None}], 4403),
        ([{"type": "connection_init", "payload": {"authorization": "Bearer wrong"}}], 4403),
        ([{"type": "connection_init", "payload": {"authorization": 3, "token": ["x"]}}], 4403),
        ([_subscribe()], 4401),
        (["init", "init"], 4429),
        (["init", {"type": "nonsense"}], 4400),
        (["init", {"type": "start", "id": "1", "payload": {"query": THEMES}}], 4400),
        (["init", {"type": "subscribe", "id": "1"}], 4400),
        (["init", {"type": "subscribe", "id": "1", "payload": []}], 4400),
        (["init", {"type": "subscribe", "id": 1, "payload": {"query": THEMES}}], 4400),
        (["init", {"type": "subscribe", "id": "", "payload": {"query": THEMES}}], 4400),
        (["init", _subscribe(3)], 4400),
        (["init", _subscribe(None)], 4400),
        (["init", _subscribe("")], 4400),
        (["init", _subscribe(variables=[])], 4400),
        (["init", _subscribe(operationName=3)], 4400),
        (["init", _subscribe(extensions=3)], 4400),
        (["init", {"type": "complete"}], 4400),
        (["init", "x" * 300_000], 4400),
        (["init", b"{}"], 4400),
    ],
)
def test_what_breaks_the_protocol_closes_the_socket(acme: Partner, messages: list[Any], code: int) -> None:
    with raw_socket(acme.server) as connection:
        for message in messages:
            each = _init(acme) if message == "init" else message
            connection.send(each if isinstance(each, (str, bytes)) else json.dumps(each))
        assert _closed(connection) == code


def test_an_id_in_use_closes_the_socket(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    with acme.socket() as socket:
        for _ in range(2):
            socket.send(_subscribe(FOLLOW, variables={"jobId": job_id}))
        assert _closed(socket.connection) == 4409


def test_an_id_can_be_used_again_once_its_operation_is_over(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    with acme.socket() as socket:
        for _ in range(3):
            socket.send(_subscribe(FOLLOW, variables={"jobId": job_id}))
            assert socket.receive()["type"] == "next"
            socket.send({"type": "complete", "id": "1"})
        socket.send(_subscribe())
        assert socket.next()["themes"]
        assert socket.receive() == {"type": "complete", "id": "1"}
        socket.send({"type": "complete", "id": "never-there"})
        socket.send({"type": "ping"})
        assert socket.receive() == {"type": "pong"}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "#"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "query ($id: ID!) { job(id: $id) { id } }"}, "BAD_USER_INPUT"),
        ({"query": "query A { themes { key } } query B { themes { key } }"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": THEMES, "operationName": "None"}, "OPERATION_RESOLUTION_FAILURE"),
        ({"query": FOLLOW, "variables": {"jobId": "nonsense"}}, "BAD_USER_INPUT"),
        ({"query": FOLLOW, "variables": {"jobId": "job_" + "0" * 26}}, "NOT_FOUND"),
        ({"query": "{ " + "a { " * 900}, "GRAPHQL_PARSE_FAILED"),
    ],
)
def test_a_wrong_operation_ends_and_the_socket_goes_on(acme: Partner, payload: dict[str, Any], code: str) -> None:
    with acme.socket() as socket:
        socket.send({"type": "subscribe", "id": "wrong", "payload": payload})
        message = socket.receive()
        assert (message["type"], message["id"]) == ("error", "wrong")
        extensions = message["payload"][0]["extensions"]
        assert (extensions["code"], extensions["requestId"][:4]) == (code, "req_")
        socket.send({"type": "subscribe", "id": "wrong", "payload": {"query": THEMES}})
        assert socket.next()["themes"]


def test_a_failing_field_is_part_of_a_result(acme: Partner) -> None:
    with acme.socket() as socket:
        socket.begin('{ themes { key } job(id: "nonsense") { id } }')
        payload = socket.receive()["payload"]
        assert payload["data"]["themes"]
        assert payload["errors"][0]["path"] == ["job"]
        assert socket.receive()["type"] == "complete"


def test_mutations_run_over_a_socket_too(acme: Partner) -> None:
    with acme.socket() as socket:
        socket.begin('mutation { createUpload(input: {contentType: "image/png"}) { asset { state } } }')
        assert socket.next() == {"createUpload": {"asset": {"state": "PENDING"}}}


@pytest.mark.parametrize("name", ["authorization", "Authorization", "token"])
def test_the_key_comes_with_the_first_message(acme: Partner, name: str) -> None:
    value = acme.secret if name == "token" else f"Bearer {acme.secret}"
    with acme.socket({name: value}) as socket:
        socket.begin(THEMES)
        assert socket.next()["themes"]


def test_the_key_may_come_with_the_request_for_the_socket(acme: Partner) -> None:
    with raw_socket(acme.server, additional_headers=acme.headers) as connection:
        socket = Socket(connection)
        for payload in ({}, {"payload": None}):
            socket.send({"type": "connection_init", **payload})
            assert socket.receive() == {"type": "connection_ack"}
            socket.begin(THEMES)
            assert socket.next()["themes"]
            break


def test_a_ping_is_answered_with_its_payload(acme: Partner) -> None:
    with raw_socket(acme.server) as connection:
        socket = Socket(connection)
        socket.send({"type": "ping", "payload": {"n": 1}})
        assert socket.receive() == {"type": "pong", "payload": {"n": 1}}


def test_a_quiet_socket_is_pinged(quick: Server) -> None:
    caller = partner(quick, unique_name("quiet"))
    with caller.socket() as socket:
        for _ in range(2):
            assert json.loads(socket.connection.recv(timeout=scaled(10))) == {"type": "ping"}


def test_a_socket_must_be_opened_in_time(api_database: str) -> None:
    impatient = ApiSettings(init_timeout=timedelta(milliseconds=100))
    with serving(api_database, impatient) as server, raw_socket(server) as connection:
        assert _closed(connection) == 4408


def test_a_socket_has_few_operations_at_a_time(quick: Server) -> None:
    caller = partner(quick, unique_name("busy"))
    job_id = make_avatar(caller, caller.asset())
    with caller.socket() as socket:
        for _ in range(2):
            socket.begin(FOLLOW, jobId=job_id)
            socket.next()
        socket.begin(THEMES)
        message = socket.receive()
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


def test_a_process_has_few_sockets(quick: Server) -> None:
    caller = partner(quick, unique_name("many"))
    with caller.socket(), caller.socket():
        with pytest.raises(InvalidStatus) as refused, raw_socket(quick):
            pass
        assert refused.value.response.status_code == 503


@pytest.mark.parametrize("subprotocols", [None, ["graphql-ws"], ["nonsense"]])
def test_only_the_one_subprotocol_is_spoken(acme: Partner, subprotocols: list[str] | None) -> None:
    with raw_socket(acme.server, subprotocols=subprotocols) as connection:
        assert _closed(connection) == 4406


def test_a_page_of_another_origin_opens_no_socket(acme: Partner, api_database: str) -> None:
    with pytest.raises(InvalidStatus) as refused, raw_socket(acme.server, origin="https://evil.example"):
        pass
    assert refused.value.response.status_code == 403
    with serving(api_database, ApiSettings(allowed_origins=("https://shop.example",))) as server:
        with raw_socket(server, origin="https://shop.example") as connection:
            connection.send(json.dumps(_init(acme)))
            assert json.loads(connection.recv(timeout=scaled(10))) == {"type": "connection_ack"}
        with pytest.raises(InvalidStatus), raw_socket(server, origin="https://evil.example"):
            pass


def test_a_socket_ends_with_its_session(quick: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    later = datetime.now(UTC) + timedelta(hours=2)
    with partner(quick, unique_name("brief")).user(lasts_s=3600).socket() as socket:
        socket.begin(THEMES)
        assert socket.next()["themes"]
        monkeypatch.setattr("schema.transport.websocket.datetime", SimpleNamespace(now=lambda _: later))
        assert _closed(socket.connection) == 4401


def test_open_sockets_end_when_their_key_is_revoked_or_their_session_ended(quick: Server) -> None:
    caller, other = partner(quick, unique_name("leaked")), partner(quick, unique_name("other"))
    user = other.user()
    with caller.socket() as revoked, user.socket() as ended:
        with quick.engine.begin() as conn:
            revoke_api_key(conn, caller.secret or "")
            conn.exec_driver_sql(
                "UPDATE sessions SET expires_at = now() WHERE account_id = %s", (other.principal.account_id,)
            )
        assert [_closed(each.connection) for each in (revoked, ended)] == [4403, 4401]
    with other.socket() as socket:
        # Two pings later they have been looked at more than once.
        for _ in range(4):
            assert json.loads(socket.connection.recv(timeout=scaled(10))) == {"type": "ping"}


def test_a_revoked_key_begins_no_further_operation(acme: Partner) -> None:
    with acme.socket() as socket:
        with acme.server.engine.begin() as conn:
            conn.exec_driver_sql("UPDATE api_keys SET revoked_at = now() WHERE name = %s", (f"{acme.account} key",))
        eventually(lambda: _refused(socket))


def _refused(socket: Socket) -> bool:
    """Begin an operation and return whether it was refused for want of a valid key.

    The server looks at the keys of its sockets now and then, and may have closed this one first.
    """
    try:
        socket.begin(THEMES)
        message = socket.receive()
    except ConnectionClosed as closed:
        return closed.rcvd is not None and closed.rcvd.code == 4403
    if message["type"] == "error":
        return bool(message["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED")
    assert socket.receive()["type"] == "complete"
    return False


def test_each_event_reads_the_job_anew(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    with acme.socket() as socket:
        socket.begin(FOLLOW, jobId=job_id)
        states = [socket.next()["generationProgress"]["job"]["state"]]
        for each in TO_SUCCESS:
            move(acme.server.engine, job_id, each)
            states.append(socket.next()["generationProgress"]["job"]["state"])
    assert states[1:] == [str(each.state).upper() for each in TO_SUCCESS]


def test_messages_are_text(acme: Partner) -> None:
    with acme.socket() as socket:
        socket.begin(THEMES)
        assert isinstance(socket.connection.recv(timeout=scaled(10)), str)


def test_a_client_that_vanishes_is_no_error(acme: Partner, caplog: pytest.LogCaptureFixture) -> None:
    job_id = make_avatar(acme, acme.asset())
    with capture_logs() as lines:
        with acme.socket() as socket:
            socket.begin(FOLLOW, jobId=job_id)
            socket.next()
            socket.connection.socket.close()
        move(acme.server.engine, job_id, *TO_SUCCESS)
        assert acme.ask(THEMES)["themes"]
    assert [line for line in lines if line["log_level"] == "error"] == []
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
