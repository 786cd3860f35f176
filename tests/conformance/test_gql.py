"""The Python client gql reads, requests and follows a job through cut connections, as the page says."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXTransport

from tests.conformance.conftest import ROOT
from tests.schema.conftest import acme as acme
from tests.schema.conftest import api_database as api_database
from tests.schema.conftest import server as server
from tests.schema.documents import make_avatar, new_key
from tests.support.eventually import scaled
from tests.support.partners import TO_SUCCESS, Partner, move
from tests.support.relay import relaying

pytestmark = pytest.mark.clients

CREATE = """
mutation ($input: CreateAvatarInput!) { createAvatar(input: $input) { job { id state } userErrors { code } } }
"""
PAGE = """
query ($after: String) {
  jobs(first: 2, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } }
}
"""


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """Return what the example of the page defines."""
    [example] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.DOTALL)
    defined: dict[str, Any] = {}
    exec(example, defined)
    return defined


def run(client: Client, document: str, **variables: Any) -> dict[str, Any]:
    request = gql(document)
    request.variable_values = variables
    found: dict[str, Any] = client.execute(request)
    return found


@pytest.fixture
def client(acme: Partner) -> Client:
    headers = {"Authorization": f"Bearer {acme.secret}"}
    schema = (ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8")
    transport = HTTPXTransport(f"{acme.server.url}/graphql", headers=headers, timeout=scaled(20))
    # With the schema, it checks each operation before it is sent.
    return Client(transport=transport, schema=schema)


def test_gql_requests_and_reads_page_by_page(acme: Partner, client: Client) -> None:
    made = []
    for _ in range(3):
        given = {"selfieId": acme.asset(), "idempotencyKey": new_key()}
        made.append(run(client, CREATE, input=given)["createAvatar"]["job"]["id"])
    first = run(client, PAGE)["jobs"]
    second = run(client, PAGE, after=first["pageInfo"]["endCursor"])["jobs"]
    assert [edge["node"]["id"] for edge in (*first["edges"], *second["edges"])] == made[::-1]


def test_gql_reports_the_code_of_an_error(acme: Partner, client: Client) -> None:
    with pytest.raises(TransportQueryError) as refused:
        run(client, PAGE, after="no cursor")
    [error] = refused.value.errors or []
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


def test_the_example_follows_a_job_through_cut_connections(acme: Partner, page: dict[str, Any]) -> None:
    job_id = make_avatar(acme, acme.asset())

    async def followed() -> list[dict[str, Any]]:
        changes = []
        with relaying(acme.server.url) as relay:
            async for change in page["follow"](f"ws://127.0.0.1:{relay.port}/graphql", acme.secret, job_id):
                changes.append(change)
                if len(changes) == 1:
                    # Everything happens while the client is away.
                    relay.cut()
                    await asyncio.to_thread(move, acme.server.engine, job_id, *TO_SUCCESS)
        return changes

    changes = asyncio.run(asyncio.wait_for(followed(), scaled(60)))
    assert changes[0]["job"]["state"] == "QUEUED"
    numbers = [change["event"]["seq"] for change in changes[1:]]
    assert numbers == list(range(2, 2 + len(TO_SUCCESS)))
    assert (changes[-1]["job"]["state"], changes[-1]["isFinal"]) == ("SUCCEEDED", True)
