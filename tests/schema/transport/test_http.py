"""GraphQL over HTTP: content types, status codes and malformed requests."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text
from websockets.exceptions import InvalidStatus

from schema.transport.app import ApiSettings
from tests.schema.documents import FOLLOW
from tests.support.databases import unique_name
from tests.support.partners import Partner, partner
from tests.support.serving import Server, raw_socket, serving

GRAPHQL_JSON = "application/graphql-response+json"
THEMES = "{ themes { key } }"


def _send(caller: Partner, method: str = "POST", **given: Any) -> httpx.Response:
    given["headers"] = caller.headers | given.get("headers", {})
    return caller.server.http.request(method, f"{caller.server.url}/graphql", **given)


@pytest.mark.parametrize(
    ("accept", "content_type"),
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
def test_the_response_has_a_type_that_the_client_accepts(acme: Partner, accept: str | None, content_type: str) -> None:
    headers = acme.headers if accept is None else {**acme.headers, "Accept": accept}
    with httpx.Client() as client:
        client.headers.pop("accept")
        response = client.post(
            f"{acme.server.url}/graphql", json={"query": THEMES}, headers={**acme.headers, **headers}
        )
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{content_type}; charset=utf-8"
    assert response.json()["data"]["themes"]


@pytest.mark.parametrize("accept", ["text/plain", "image/png, text/*", f"{GRAPHQL_JSON};q=0"])
def test_a_client_that_accepts_neither_type_gets_406(acme: Partner, accept: str) -> None:
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
def test_a_document_that_cannot_run_returns_no_data(acme: Partner, document: str, variables: Any, code: str) -> None:
    for accept, status in ((GRAPHQL_JSON, 400), ("application/json", 200)):
        response = acme.post(document, variables, Accept=accept)
        assert response.status_code == status
        assert "data" not in response.json()
        error = response.json()["errors"][0]
        assert error["extensions"]["code"] == code
        assert error["extensions"]["retryable"] is False
        assert error["extensions"]["requestId"] == response.headers["x-request-id"]


def test_a_failing_field_leaves_the_other_data(acme: Partner) -> None:
    response = acme.post('{ themes { key } job(id: "nonsense") { id } }', Accept=GRAPHQL_JSON)
    assert response.status_code == 200
    assert response.json()["data"]["job"] is None
    assert response.json()["data"]["themes"]
    assert response.json()["errors"][0]["path"] == ["job"]


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
    response = _send(acme, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_only_json_is_accepted(acme: Partner, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    assert _send(acme, content=b'{"query": "{themes{key}}"}', headers=headers).status_code == 415
    latin = {"Content-Type": "application/json; charset=latin-1"}
    assert _send(acme, content=b'{"query": "{themes{key}}"}', headers=latin).status_code == 415


def test_queries_can_be_sent_by_get_and_mutations_cannot(acme: Partner) -> None:
    themes = _send(acme, "GET", params={"query": THEMES, "variables": "{}"})
    assert themes.json()["data"]["themes"]
    mutation = 'mutation { createUpload(input: {contentType: "image/png"}) { asset { id } } }'
    refused = _send(acme, "GET", params={"query": mutation})
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert _send(acme, "GET", params={"query": THEMES, "variables": "{"}).status_code == 400
    assert _send(acme, "GET").status_code == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_allowed(acme: Partner, method: str) -> None:
    response = _send(acme, method)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


def test_a_subscription_by_post_is_directed_to_the_websocket(acme: Partner) -> None:
    response = acme.post(FOLLOW)
    assert response.status_code == 400
    assert "graphql-transport-ws" in response.json()["errors"][0]["message"]


def test_a_request_keeps_its_id(acme: Partner) -> None:
    def returned(given: str) -> str:
        return _send(acme, json={"query": THEMES}, headers={"X-Request-Id": given}).headers["x-request-id"]

    assert returned("partner-12345") == "partner-12345"
    for wrong in ("short", "x" * 65, "a b c d e f"):
        assert returned(wrong).startswith("req_")


def test_responses_are_not_cached(acme: Partner) -> None:
    assert acme.post(THEMES).headers["cache-control"] == "no-store"


def test_graphiql_is_served_only_in_development(acme: Partner, api_database: str) -> None:
    headers = {"Accept": "text/html"}
    assert httpx.get(f"{acme.server.url}/graphql", headers=headers).status_code == 406
    with serving(api_database, ApiSettings(development=True)) as server:
        page = httpx.get(f"{server.url}/graphql", headers=headers)
        assert (page.status_code, "GraphiQL" in page.text) == (200, True)


def test_other_origins_are_allowed_by_name(api_database: str) -> None:
    with serving(api_database, ApiSettings(allowed_origins=("https://shop.example",))) as server:
        caller = partner(server, unique_name("cors"))
        preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        known = httpx.options(f"{server.url}/graphql", headers={"Origin": "https://shop.example", **preflight})
        assert known.headers["access-control-allow-origin"] == "https://shop.example"
        stranger = httpx.options(f"{server.url}/graphql", headers={"Origin": "https://evil.example", **preflight})
        assert "access-control-allow-origin" not in stranger.headers
        response = caller.post(THEMES, Origin="https://shop.example")
        assert response.headers["access-control-allow-origin"] == "https://shop.example"
        stream = httpx.get(
            f"{server.url}/streams/activity", headers={"Origin": "https://shop.example"} | caller.headers
        )
        exposed = {each.strip() for each in stream.headers["access-control-expose-headers"].lower().split(",")}
        assert {name for name in stream.headers if name.startswith("stream-")} | {"etag"} <= exposed
        assert {"stream-closed", "stream-cursor"} <= exposed
        preflight["Access-Control-Request-Method"] = "HEAD"
        allowed = httpx.options(
            f"{server.url}/streams/activity", headers={"Origin": "https://shop.example"} | preflight
        )
        assert allowed.status_code == 200


def test_the_process_reports_that_it_is_up_and_ready(server: Server) -> None:
    assert httpx.get(f"{server.url}/healthz").json() == {"up": True}
    assert httpx.get(f"{server.url}/readyz").json() == {"ready": True}


def test_a_database_that_is_older_than_the_program_is_not_ready_and_a_newer_one_is(new_database: Any) -> None:
    with serving(new_database(None)) as server:
        response = httpx.get(f"{server.url}/readyz")
        assert response.status_code == 503
        assert "revision" in response.json()["reason"]
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        # Migrations run under the previous code, which must keep serving requests.
        with server.engine.begin() as conn:
            conn.execute(text("CREATE TABLE alembic_version (version_num text)"))
            conn.execute(text("INSERT INTO alembic_version VALUES ('9999')"))
        assert httpx.get(f"{server.url}/readyz").json() == {"ready": True}


def test_an_unreachable_database_is_a_transient_error(postgres_server: Any) -> None:
    with serving("postgresql://none@127.0.0.1:9/none") as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 503
        response = httpx.post(
            f"{server.url}/graphql", json={"query": THEMES}, headers={"Authorization": "Bearer dio_key_x"}
        )
        assert response.status_code == 503
        [error] = response.json()["errors"]
        assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
        assert error["extensions"]["retryable"] is True


def test_in_development_pages_of_this_machine_may_call(acme: Partner, api_database: str) -> None:
    with serving(api_database, ApiSettings(development=True)) as server:
        for origin, is_local in (
            ("http://localhost:5173", True),
            ("http://127.0.0.1:3000", True),
            ("http://localhost", True),
            ("http://localhost.evil.example", False),
            ("https://evil.example", False),
        ):
            response = server.http.get(f"{server.url}/healthz", headers={"Origin": origin})
            assert ("access-control-allow-origin" in response.headers) is is_local, origin
            if is_local:
                with raw_socket(server, origin=origin):
                    pass
            else:
                with pytest.raises(InvalidStatus), raw_socket(server, origin=origin):
                    pass
    assert "access-control-allow-origin" not in acme.post("{ themes { key } }", Origin="http://localhost:5173").headers
