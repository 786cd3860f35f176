"""Sockets are pinged and limited, and end with their key or session."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed, InvalidStatus

from jobs.api_keys import revoke_api_key
from schema.transport.app import ApiSettings, Limits
from tests.schema.documents import FOLLOW, make_avatar
from tests.schema.transport.sockets import THEMES, close_code
from tests.support.databases import unique_name
from tests.support.eventually import eventually, scaled
from tests.support.partners import TO_SUCCESS, Partner, move, partner
from tests.support.serving import Server, Socket, raw_socket, serving


@pytest.fixture
def quick(api_database: str) -> Iterator[Server]:
    """Yield a server with few sockets that it checks often."""
    often = timedelta(milliseconds=50)
    limits = Limits(operations_per_socket=2, sockets=2)
    with serving(api_database, ApiSettings(limits=limits, ping_every=often, check_keys_every=often)) as running:
        yield running


def test_a_quiet_socket_is_pinged(quick: Server) -> None:
    caller = partner(quick, unique_name("quiet"))
    with caller.socket() as socket:
        for _ in range(2):
            assert json.loads(socket.connection.recv(timeout=scaled(10))) == {"type": "ping"}


def test_a_socket_must_be_opened_in_time(api_database: str) -> None:
    impatient = ApiSettings(init_timeout=timedelta(milliseconds=100))
    with serving(api_database, impatient) as server, raw_socket(server) as connection:
        assert close_code(connection) == 4408


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


def test_a_socket_ends_with_its_session(quick: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    later = datetime.now(UTC) + timedelta(hours=2)
    with partner(quick, unique_name("brief")).user(lasts_s=3600).socket() as socket:
        socket.begin(THEMES)
        assert socket.next()["themes"]
        monkeypatch.setattr("schema.transport.websocket.datetime", SimpleNamespace(now=lambda _: later))
        assert close_code(socket.connection) == 4403


def test_open_sockets_end_when_their_key_is_revoked_or_their_session_ended(quick: Server) -> None:
    caller, other = partner(quick, unique_name("leaked")), partner(quick, unique_name("other"))
    user = other.user()
    with caller.socket() as revoked, user.socket() as ended:
        with quick.engine.begin() as conn:
            revoke_api_key(conn, caller.secret or "")
        assert user.ask("mutation { endSession(input: {}) { session { id } } }")["endSession"]["session"]
        assert [close_code(each.connection) for each in (revoked, ended)] == [4403, 4403]
    with other.socket() as socket:
        # Two pings later the server has checked them more than once.
        for _ in range(4):
            assert json.loads(socket.connection.recv(timeout=scaled(10))) == {"type": "ping"}


def test_a_revoked_key_begins_no_further_operation(acme: Partner) -> None:
    with acme.socket() as socket:
        with acme.server.engine.begin() as conn:
            conn.exec_driver_sql("UPDATE api_keys SET revoked_at = now() WHERE name = %s", (f"{acme.account} key",))
        eventually(lambda: _refused(socket))


def _refused(socket: Socket) -> bool:
    """Begin an operation and return whether it was refused for lack of a valid key.

    The server checks the keys of its sockets at intervals, and may have closed this one first.
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


def test_a_client_that_vanishes_causes_no_error(acme: Partner, caplog: pytest.LogCaptureFixture) -> None:
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
