"""Errors in graphql-transport-ws: some close the socket, with a code, and others only end an operation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from schema.transport.app import ApiSettings
from tests.schema.documents import FOLLOW, make_avatar
from tests.schema.transport.sockets import THEMES, close_code, opening, subscription
from tests.support.eventually import scaled
from tests.support.partners import TO_SUCCESS, Partner, move
from tests.support.serving import Socket, raw_socket, serving


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
        ([subscription()], 4401),
        (["init", "init"], 4429),
        (["init", {"type": "nonsense"}], 4400),
        (["init", {"type": "start", "id": "1", "payload": {"query": THEMES}}], 4400),
        (["init", {"type": "subscribe", "id": "1"}], 4400),
        (["init", {"type": "subscribe", "id": "1", "payload": []}], 4400),
        (["init", {"type": "subscribe", "id": 1, "payload": {"query": THEMES}}], 4400),
        (["init", {"type": "subscribe", "id": "", "payload": {"query": THEMES}}], 4400),
        (["init", subscription(3)], 4400),
        (["init", subscription(None)], 4400),
        (["init", subscription("")], 4400),
        (["init", subscription(variables=[])], 4400),
        (["init", subscription(operationName=3)], 4400),
        (["init", subscription(extensions=3)], 4400),
        (["init", {"type": "complete"}], 4400),
        (["init", "x" * 300_000], 4400),
        (["init", b"{}"], 4400),
    ],
)
def test_a_breach_of_the_protocol_closes_the_socket(acme: Partner, messages: list[Any], code: int) -> None:
    with raw_socket(acme.server) as connection:
        for message in messages:
            each = opening(acme) if message == "init" else message
            connection.send(each if isinstance(each, (str, bytes)) else json.dumps(each))
        assert close_code(connection) == code


def test_an_id_in_use_closes_the_socket(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    with acme.socket() as socket:
        for _ in range(2):
            socket.send(subscription(FOLLOW, variables={"jobId": job_id}))
        assert close_code(socket.connection) == 4409


def test_an_id_can_be_reused_once_its_operation_is_over(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    with acme.socket() as socket:
        for _ in range(3):
            socket.send(subscription(FOLLOW, variables={"jobId": job_id}))
            assert socket.receive()["type"] == "next"
            socket.send({"type": "complete", "id": "1"})
        socket.send(subscription())
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
def test_a_wrong_operation_ends_and_the_socket_stays_open(acme: Partner, payload: dict[str, Any], code: str) -> None:
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


def test_the_key_may_come_in_the_headers_of_the_socket(acme: Partner) -> None:
    with raw_socket(acme.server, additional_headers=acme.headers) as connection:
        socket = Socket(connection)
        for payload in ({}, {"payload": None}):
            socket.send({"type": "connection_init", **payload})
            assert socket.receive() == {"type": "connection_ack"}
            socket.begin(THEMES)
            assert socket.next()["themes"]
            break


def test_a_pong_returns_the_payload_of_its_ping(acme: Partner) -> None:
    with raw_socket(acme.server) as connection:
        socket = Socket(connection)
        socket.send({"type": "ping", "payload": {"n": 1}})
        assert socket.receive() == {"type": "pong", "payload": {"n": 1}}


@pytest.mark.parametrize("subprotocols", [None, ["graphql-ws"], ["nonsense"]])
def test_only_one_subprotocol_is_accepted(acme: Partner, subprotocols: list[str] | None) -> None:
    with raw_socket(acme.server, subprotocols=subprotocols) as connection:
        assert close_code(connection) == 4406


def test_a_page_of_another_origin_opens_no_socket(acme: Partner, api_database: str) -> None:
    with pytest.raises(InvalidStatus) as refused, raw_socket(acme.server, origin="https://evil.example"):
        pass
    assert refused.value.response.status_code == 403
    with serving(api_database, ApiSettings(allowed_origins=("https://shop.example",))) as server:
        with raw_socket(server, origin="https://shop.example") as connection:
            connection.send(json.dumps(opening(acme)))
            assert json.loads(connection.recv(timeout=scaled(10))) == {"type": "connection_ack"}
        with pytest.raises(InvalidStatus), raw_socket(server, origin="https://evil.example"):
            pass


def test_each_event_reads_the_job_again(acme: Partner) -> None:
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
