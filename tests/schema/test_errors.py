"""An unexpected error is masked for the caller and logged once, with its request id and without variables."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from graphql import GraphQLError
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from db.records.accounts import insert_account
from schema.errors import log_unforeseen
from schema.types.viewer import Viewer
from tests.schema.documents import FOLLOW, make_avatar
from tests.support.partners import Partner

VIEWER = "query ($secret: ID) { viewer { name } themes { key } }"


class Boom(RuntimeError):
    """An error that contains a secret."""


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise Boom("password=hunter2")

    monkeypatch.setattr(Viewer, "of", fail)


@pytest.mark.usefixtures("broken")
def test_an_unexpected_error_is_masked_and_logged_once(acme: Partner) -> None:
    with capture_logs() as lines:
        response = acme.post("query ($id: ID!) { viewer { name } job(id: $id) { id } }", {"id": "job_" + "0" * 26})
    [error] = response.json()["errors"]
    request_id = response.headers["x-request-id"]
    assert error["message"] == f"Something went wrong on our side. Quote request id {request_id} to support."
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "retryable": False, "requestId": request_id}
    assert "hunter2" not in response.text
    [line] = [line for line in lines if line.get("exc_info")]
    assert line["request_id"] == request_id
    assert (line["event"], line["path"]) == ("a request failed", "viewer")
    assert "job_000" not in str(lines)


def test_rows_that_postgres_quotes_are_not_logged(acme: Partner) -> None:
    def fail() -> None:
        with acme.server.engine.begin() as conn:
            insert_account(conn, acme.account)

    for failing, kind in ((fail, IntegrityError), (partial(_from_another, fail), Boom)):
        with pytest.raises(kind) as raised:
            failing()
        with capture_logs() as lines:
            log_unforeseen(GraphQLError("masked", original_error=raised.value), "req_1")
        [line] = lines
        logged = f"{line} {''.join(traceback.format_exception(line['exc_info']))}"
        assert acme.account not in logged
        assert "UniqueViolation: 23505: duplicate key value violates unique constraint" in logged
        assert "insert_account(conn, acme.account)" in logged


def _from_another(fail: Callable[[], None]) -> None:
    try:
        fail()
    except IntegrityError as error:
        raise Boom from error


def test_a_callers_mistakes_are_not_logged(acme: Partner, caplog: pytest.LogCaptureFixture) -> None:
    with capture_logs() as lines, caplog.at_level("INFO"):
        acme.post("{ nothing }")
        acme.post("{")
        acme.post('{ job(id: "nonsense") { id } }')
    assert lines == []
    assert [record for record in caplog.records if record.name.startswith("strawberry")] == []


def test_an_unexpected_error_on_a_socket_is_masked_too(acme: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = make_avatar(acme, acme.asset())

    def fail(*_: Any) -> None:
        raise Boom("password=hunter2")

    monkeypatch.setattr("schema.live.progress.Followed.snapshot", fail)
    with acme.socket() as socket:
        operation_id = socket.begin(FOLLOW, jobId=job_id)
        message = socket.receive()
        assert (message["type"], message["id"]) == ("error", operation_id)
        [error] = message["payload"]
        assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
        assert "hunter2" not in str(message)
        socket.begin("{ themes { key } }")
        assert socket.next()["themes"]
