"""The JavaScript clients graphql-ws and graphql-sse follow a job to its end through cut connections, unchanged."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.conformance.conftest import HERE
from tests.schema.conftest import acme as acme
from tests.schema.conftest import api_database as api_database
from tests.schema.conftest import server as server
from tests.schema.documents import make_avatar
from tests.support.eventually import scaled
from tests.support.partners import LAST_SEQ, TO_SUCCESS, Partner, move


@pytest.mark.parametrize("transport", ["ws", "sse"])
def test_a_job_is_followed_through_cut_connections(node: str, acme: Partner, transport: str) -> None:
    if not (HERE / "javascript/node_modules/graphql-sse").is_dir():
        pytest.skip("the JavaScript clients are not installed: run `make clients`, which needs npm")
    job_id = make_avatar(acme, acme.asset())
    given = {"TRANSPORT": transport, "URL": f"{acme.server.url}/graphql", "TOKEN": acme.secret or "", "JOB": job_id}
    with subprocess.Popen(
        [node, "follow.mjs"],
        cwd=HERE / "javascript",
        env={**os.environ, **given, "CUT_AFTER": "2"},
        stdout=subprocess.PIPE,
        text=True,
    ) as client:
        assert client.stdout is not None
        snapshot = json.loads(client.stdout.readline())
        assert (snapshot["state"], snapshot["event"]) == ("QUEUED", None)
        move(acme.server.engine, job_id, *TO_SUCCESS)
        rest, _ = client.communicate(timeout=scaled(60))
    assert client.returncode == 0
    messages = [json.loads(line) for line in rest.splitlines()]
    assert [each["event"]["seq"] for each in messages] == list(range(2, LAST_SEQ + 1))
    assert [each["isFinal"] for each in messages] == [False] * (len(messages) - 1) + [True]
