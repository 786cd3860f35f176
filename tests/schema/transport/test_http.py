"""GraphQL over HTTP: content types, status codes and malformed requests."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from schema.transport.app import ApiSettings
from tests.schema.documents import FOLLOW
from tests.support.databases import unique_name
from tests.support.partners import Partner, partner
from tests.support.serving import Server, serving

GRAPHQL_JSON = "application/graphql-response+json"
THEMES = "{ themes { key } }"


def _send(caller: Partner, method: str = "POST", **given: Any) -> httpx.Response:
    given["headers"] = caller.headers | given.get("headers", {})
    return caller.server.http.request(method, f"{caller.server.url}/graphql", **given)


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}; charset=utf-8, application/json; charset=utf-8", GRAPHQL_JSON),
        (f"application/json;q=0.9, {GRAPHQL_JSON}", GRAPHQL_JSON),
        (f"application/json, {GRAPHQL_JSON};q=0.5", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
    ],
)
def test_the_answer_is_of_a_type_the_client_accepts(acme: Partner, accept: str | None, answered: str) -> None:
    headers = {} if accept is None else {"Accept": accept}
    with httpx.Client() as client:
        client.headers.pop("accept")
        answer = client.post(f"{acme.server.url}/graphql", json={"query": THEMES}, headers={**acme.headers, **headers})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == f"{answered}; charset=utf-8"
    assert answer.json()["data"]["themes"]


@pytest.mark.parametrize("accept", ["text/plain", "image/png, text/*", f"{GRAPHQL_JSON};q=0"])
def test_a_client_that_accepts_neither_is_told(acme: Partner, accept: str) -> None:
    assert acme.post(THEMES, Accept=accept).status_code == 406


@pytest.mark.parametrize(
    ("document", "variables", "code"),
    [
        ("{", None, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("query ($id: ID!) { job(id: $id) { id } }", None, "BAD_USER_INPUT"),
        ("query ($n: Int) { jobs(first: $n) { pageInfo { endCursor } } }", {"n": "x"}, "BAD_USER_INPUT"),
        ("query A { themes { key } } query B { themes { key } }", None, "OPERATION_RESOLUTION_FAILURE"),
    ],
)
def test_what_can_not_be_run_has_no_data(acme: Partner, document: str, variables: Any, code: str) -> None:
    for accept, status in ((GRAPHQL_JSON, 400), ("application/json", 200)):
        answer = acme.post(document, variables, Accept=accept)
        assert answer.status_code == status
        assert "data" not in answer.json()
        error = answer.json()["errors"][0]
        assert error["extensions"]["code"] == code
        assert error["extensions"]["retryable"] is False
        assert error["extensions"]["requestId"] == answer.headers["x-request-id"]


def test_a_failing_field_leaves_the_other_data(acme: Partner) -> None:
    answer = acme.post('{ themes { key } job(id: "nonsense") { id } }', Accept=GRAPHQL_JSON)
    assert answer.status_code == 200
    assert answer.json()["data"]["job"] is None
    assert answer.json()["data"]["themes"]
    assert answer.json()["errors"][0]["path"] == ["job"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "3",
        '"x"',
        "[]",
        '[{"query": "{themes{key}}"}]',
        "{}",
        '{"query": null}',
        '{"query": 3}',
        '{"query": ""}',
    ]
    + [f'{{"query": "{{themes{{key}}}}", "{name}": 3}}' for name in ("variables", "extensions", "operationName")]
    + ['{"query": "{themes{key}}", "variables": []}', '{"query": "\ud800"}'.encode("utf-8", "surrogatepass"), b"\xff"],
)
def test_a_malformed_body_is_a_bad_request(acme: Partner, body: Any) -> None:
    answer = _send(acme, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_only_json_is_taken(acme: Partner, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    assert _send(acme, content=b'{"query": "{themes{key}}"}', headers=headers).status_code == 415
    latin = {"Content-Type": "application/json; charset=latin-1"}
    assert _send(acme, content=b'{"query": "{themes{key}}"}', headers=latin).status_code == 415


def test_queries_can_be_sent_by_get_and_mutations_can_not(acme: Partner) -> None:
    themes = _send(acme, "GET", params={"query": THEMES, "variables": "{}"})
    assert themes.json()["data"]["themes"]
    mutation = 'mutation { createUpload(input: {contentType: "image/png"}) { asset { id } } }'
    refused = _send(acme, "GET", params={"query": mutation})
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert _send(acme, "GET", params={"query": THEMES, "variables": "{"}).status_code == 400
    assert _send(acme, "GET").status_code == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_allowed(acme: Partner, method: str) -> None:
    answer = _send(acme, method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


def test_a_subscription_by_post_is_told_where_to_go(acme: Partner) -> None:
    answer = acme.post(FOLLOW)
    assert answer.status_code == 400
    assert "graphql-transport-ws" in answer.json()["errors"][0]["message"]


def test_a_request_keeps_its_id(acme: Partner) -> None:
    def answered(given: str) -> str:
        return _send(acme, json={"query": THEMES}, headers={"X-Request-Id": given}).headers["x-request-id"]

    assert answered("partner-12345") == "partner-12345"
    for wrong in ("short", "x" * 65, "a b c d e f"):
        assert answered(wrong).startswith("req_")


def test_answers_are_not_kept_by_caches(acme: Partner) -> None:
    assert acme.post(THEMES).headers["cache-control"] == "no-store"


def test_the_page_for_trying_out_is_for_development(acme: Partner, api_database: str) -> None:
    headers = {"Accept": "text/html"}
    assert httpx.get(f"{acme.server.url}/graphql", headers=headers).status_code == 406
    with serving(api_database, ApiSettings(development=True)) as server:
        page = httpx.get(f"{server.url}/graphql", headers=headers)
        assert (page.status_code, "GraphiQL" in page.text) == (200, True)


def test_other_origins_are_let_in_by_name(api_database: str) -> None:
    with serving(api_database, ApiSettings(allowed_origins=("https://shop.example",))) as server:
        caller = partner(server, unique_name("cors"))
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        known = httpx.options(f"{server.url}/graphql", headers={"Origin": "https://shop.example", **asked})
        assert known.headers["access-control-allow-origin"] == "https://shop.example"
        stranger = httpx.options(f"{server.url}/graphql", headers={"Origin": "https://evil.example", **asked})
        assert "access-control-allow-origin" not in stranger.headers
        answer = caller.post(THEMES, Origin="https://shop.example")
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"


def test_the_process_says_that_it_is_up_and_ready(server: Server) -> None:
    assert httpx.get(f"{server.url}/healthz").json() == {"up": True}
    assert httpx.get(f"{server.url}/readyz").json() == {"ready": True}


def test_a_database_that_is_older_than_the_program_is_not_ready_and_a_newer_one_is(new_database: Any) -> None:
    with serving(new_database(None)) as server:
        answer = httpx.get(f"{server.url}/readyz")
        assert answer.status_code == 503
        assert "revision" in answer.json()["reason"]
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        # Migrations run under the previous code: it must go on answering.
        with server.engine.begin() as conn:
            conn.execute(text("CREATE TABLE alembic_version (version_num text)"))
            conn.execute(text("INSERT INTO alembic_version VALUES ('9999')"))
        assert httpx.get(f"{server.url}/readyz").json() == {"ready": True}


def test_a_database_that_is_gone_is_a_passing_trouble(postgres_server: Any) -> None:
    with serving("postgresql://nobody@127.0.0.1:9/none") as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 503
        answer = httpx.post(
            f"{server.url}/graphql", json={"query": THEMES}, headers={"Authorization": "Bearer dio_key_x"}
        )
        assert answer.status_code == 503
        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        assert error["extensions"]["retryable"] is True
