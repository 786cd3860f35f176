"""What nobody foresaw is masked for the caller and logged once, with its request id and without variables."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from graphql import GraphQLError
from sqlalchemy.exc import IntegrityError

from db.records.accounts import insert_account
from schema.errors import log_unforeseen
from schema.types.viewer import Viewer
from tests.schema.documents import FOLLOW, make_avatar
from tests.support.partners import Partner

VIEWER = "query ($secret: ID) { viewer { name } themes { key } }"


class Boom(RuntimeError):
    """Something with a secret in it."""


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise Boom("password=hunter2")

    monkeypatch.setattr(Viewer, "of", fail)


@pytest.mark.usefixtures("broken")
def test_the_unforeseen_is_masked_and_logged_once(acme: Partner, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        answer = acme.post("query ($id: ID!) { viewer { name } job(id: $id) { id } }", {"id": "job_" + "0" * 26})
    [error] = answer.json()["errors"]
    request_id = answer.headers["x-request-id"]
    assert error["message"] == f"Something went wrong on our side. Quote request id {request_id} to support."
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "retryable": False, "requestId": request_id}
    assert "hunter2" not in answer.text
    records = [record for record in caplog.records if record.exc_info]
    assert len(records) == 1
    assert records[0].__dict__["request_id"] == request_id
    assert records[0].getMessage() == "a request failed at viewer"
    assert not any("job_000" in record.getMessage() for record in caplog.records)


def test_what_postgres_quotes_of_rows_is_not_logged(acme: Partner, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        with acme.server.engine.begin() as conn:
            insert_account(conn, acme.account)

    for failing, kind in ((fail, IntegrityError), (partial(_from_another, fail), Boom)):
        with pytest.raises(kind) as raised:
            failing()
        log_unforeseen(GraphQLError("masked", original_error=raised.value), "req_1")
    assert acme.account not in caplog.text
    assert caplog.text.count("UniqueViolation: 23505: duplicate key value violates unique constraint") == 2
    assert caplog.text.count("insert_account(conn, acme.account)") == 2


def _from_another(fail: Callable[[], None]) -> None:
    try:
        fail()
    except IntegrityError as error:
        raise Boom from error


def test_a_callers_mistakes_are_not_logged(acme: Partner, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        acme.post("{ nothing }")
        acme.post("{")
        acme.post('{ job(id: "nonsense") { id } }')
    assert [record for record in caplog.records if record.name.startswith(("schema", "strawberry"))] == []


def test_the_unforeseen_on_a_socket_is_masked_too(acme: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
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
