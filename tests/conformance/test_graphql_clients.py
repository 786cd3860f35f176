"""Clients of front ends write, list by pages, and follow a job to its end with the code of our page, unchanged."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, build_schema

from tests.conformance.conftest import HERE, ROOT
from tests.conformance.test_frontend_page import example
from tests.schema.conftest import acme as acme
from tests.schema.conftest import api_database as api_database
from tests.schema.conftest import server as server
from tests.schema.documents import make_avatar
from tests.support.eventually import scaled
from tests.support.partners import LAST_SEQ, TO_SUCCESS, Partner, move
from tests.support.relay import relaying

PACKAGES = HERE / "javascript/node_modules"


@contextmanager
def running(node: str, folder: Path, script: str, given: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a script beside the code of the page, and end it if it waits without end."""
    (folder / "node_modules").symlink_to(PACKAGES)
    (folder / script).write_text((HERE / "javascript" / script).read_text())
    command, environment = [node, script], os.environ | given
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as client:
        limit = Timer(scaled(60), client.kill)
        limit.start()
        try:
            yield client
        finally:
            limit.cancel()
            client.kill()


def line(client: subprocess.Popen[str]) -> Any:
    assert client.stdout is not None
    return json.loads(client.stdout.readline())


def check(client: subprocess.Popen[str], acme: Partner, cut: Any, others: list[str]) -> None:
    """Move the job that the client made, and compare what it shows."""
    job_id = line(client)
    assert line(client) == "INVALID"
    assert line(client) == [job_id, *reversed(others)]
    assert line(client)["event"] is None
    move(acme.server.engine, job_id, *TO_SUCCESS[:3])
    seen = [line(client) for _ in TO_SUCCESS[:3]]
    assert cut() >= 1
    move(acme.server.engine, job_id, *TO_SUCCESS[3:])
    seen += [line(client) for _ in TO_SUCCESS[3:]]
    assert [each["event"]["seq"] for each in seen] == list(range(2, LAST_SEQ + 1))
    assert [each["isFinal"] for each in seen] == [False] * (len(seen) - 1) + [True]
    shown = line(client)
    assert (shown["id"], shown["state"], shown["percent"]) == (job_id, "SUCCEEDED", 100)
    assert client.wait() == 0


CLIENTS = {
    "Apollo": ("@apollo/client", "typescript", "apollo.mjs", "ws"),
    "urql over WebSocket": ("@urql/core", "mts", "urql.mjs", "ws"),
    "urql over HTTP": ("@urql/core", "mts", "urql.mjs", "sse"),
}


@pytest.mark.parametrize(("package", "language", "script", "transport"), CLIENTS.values(), ids=CLIENTS)
def test_a_client_writes_lists_and_follows(
    node: str, acme: Partner, tmp_path: Path, package: str, language: str, script: str, transport: str
) -> None:
    if not (PACKAGES / package).is_dir():
        pytest.skip(f"{package} is not installed: run `make clients`, which needs npm")
    (tmp_path / "page.mjs").write_text(example(language))
    others = [make_avatar(acme, acme.asset()) for _ in range(2)]
    with relaying(acme.server.url) as relay:
        given = {
            "URL": f"http://127.0.0.1:{relay.port}/graphql",
            "TOKEN": acme.secret or "",
            "SELFIE": acme.asset(),
            "TRANSPORT": transport,
        }
        with running(node, tmp_path, script, given) as client:
            check(client, acme, relay.cut, others)


def test_the_page_names_every_kind_of_refusal() -> None:
    schema = build_schema((ROOT / "schema/schema.graphql").read_text())
    refusal = schema.type_map["UserError"]
    assert isinstance(refusal, GraphQLInterfaceType)
    names = sorted(each.name for each in schema.get_possible_types(refusal))
    assert f"UserError: {json.dumps(names)}" in example("typescript")
