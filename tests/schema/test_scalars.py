"""A text, number, time or JSON value that a caller sends can be stored and returned, or is the caller's mistake."""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zlib import crc32

import pytest
from sqlalchemy import text

from db.records.jobs import JobOrder
from schema.cursors import MalformedCursor, page_cursor, read_page_cursor
from schema.ids import IdKind, decode_id
from tests.schema.credits import GRANT
from tests.schema.documents import CREATE_AVATAR, CREATE_SCENE, make_avatar, new_key
from tests.support.partners import Partner

JOBS = "query ($filter: JobFilter) { jobs(first: 5, filter: $filter) { edges { node { id metadata } } } }"
SESSION = "mutation ($ref: String!) { createSession(input: {userRef: $ref, tier: FREE}) { token } }"
IN_PLACE = """
mutation ($selfie: ID!, $key: String!$n) {
  createAvatar(input: {selfieId: $selfie, idempotencyKey: $key, metadata: METADATA}) { job { metadata } }
}
"""
_MISTAKES = ("BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "BAD_REQUEST")


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (CREATE_AVATAR, {"input": {"selfieId": "x", "idempotencyKey": "a\0b"}}),
        (CREATE_AVATAR, {"input": {"selfieId": "x", "idempotencyKey": "k", "metadata": {"x": ["a\0"]}}}),
        (CREATE_AVATAR, {"input": {"selfieId": "x", "idempotencyKey": "k", "metadata": {"\0": 1}}}),
        (CREATE_SCENE, {"input": {"avatarId": "x", "theme": "y", "idempotencyKey": "k", "details": "\0"}}),
        (SESSION, {"ref": "ada\0"}),
        (SESSION.replace("($ref: String!)", "").replace("$ref", '"ada\\u0000"'), {}),
        (GRANT, {"input": {"userRef": "\0", "amount": 1, "idempotencyKey": "k"}}),
        (GRANT, {"input": {"userRef": "ada", "amount": "--5", "idempotencyKey": "k"}}),
        (GRANT, {"input": {"userRef": "ada", "amount": "٣", "idempotencyKey": "k"}}),
        (JOBS, {"filter": {"userRef": "\0"}}),
        (JOBS, {"filter": {"themes": ["\0"]}}),
        (JOBS, {"filter": {"providerPredictionId": "\0"}}),
        (JOBS, {"filter": {"metadata": {"contains": {"x": "\0"}}}}),
        (JOBS.replace("($filter: JobFilter)", "").replace("$filter", "{metadata: {contains: {n: 1e400}}}"), {}),
        (JOBS, {"filter": {"createdAfter": "0001-01-01T00:00:00+14:00"}}),
        (JOBS, {"filter": {"finishedBefore": "9999-12-31T23:59:59-14:00"}}),
    ],
)
def test_a_value_that_cannot_be_stored_is_the_callers_mistake(
    acme: Partner, document: str, variables: dict[str, Any]
) -> None:
    assert acme.fail(document, **variables)["extensions"]["code"] in _MISTAKES


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("{n: 123456789012345678901234567890}", None),
        ("{n: " + "9" * 5000 + "}", None),
        ("{n: -1e400}", None),
        ('{n: "\\u0000"}', None),
        ("{n: " + "[" * 40 + "]" * 40 + "}", None),
        ("{n: 9223372036854775807, m: 1e300}", {"n": 2**63 - 1, "m": 1e300}),
        ("{n: $n, list: [1, $n]}", {"list": [1, None]}),
    ],
)
def test_accepted_metadata_can_be_read(acme: Partner, written: str, stored: dict[str, Any] | None) -> None:
    variables = {"selfie": acme.asset(), "key": new_key()}
    document = IN_PLACE.replace("$n", ", $n: Int" if "$n" in written else "").replace("METADATA", written)
    response = acme.post(document, variables).json()
    if stored is None:
        assert response["errors"][0]["extensions"]["code"] in _MISTAKES
        assert acme.ask(JOBS)["jobs"]["edges"] == []
    else:
        assert response["data"]["createAvatar"]["job"]["metadata"] == stored


def test_metadata_stored_unchecked_does_not_break_its_page(acme: Partner) -> None:
    job_id = make_avatar(acme, acme.asset())
    deep = "[" * 300 + "]" * 300
    with acme.server.engine.begin() as conn:
        conn.execute(
            text("UPDATE job_requests SET metadata = CAST(:metadata AS jsonb) WHERE job_id = :job"),
            {"metadata": f'{{"n": 1{"0" * 30}, "m": -1e400, "deep": {deep}}}', "job": decode_id(job_id, IdKind.JOB)},
        )
    [edge] = acme.ask(JOBS)["jobs"]["edges"]
    assert (edge["node"]["metadata"]["n"], edge["node"]["metadata"]["m"]) == (1e30, None)


def test_a_cursor_beyond_the_range_of_time_is_malformed() -> None:
    genuine = page_cursor(JobOrder.RECENTLY_FINISHED, (datetime.now(UTC), UUID(int=0)))
    version_and_kind = urlsafe_b64decode(genuine + "==")[:2]
    body = version_and_kind + struct.pack(">q16s", 2**62, b"")
    forged = urlsafe_b64encode(body + crc32(body).to_bytes(4, "big")).rstrip(b"=").decode()
    with pytest.raises(MalformedCursor, match="impossible time"):
        read_page_cursor(JobOrder.RECENTLY_FINISHED, forged)
