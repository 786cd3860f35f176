"""A document beyond a limit is refused before it runs, in a time that grows only with its length."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from graphql import get_introspection_query, parse
from graphql.language import OperationDefinitionNode

from schema.admission.cost import CostMeter, shape_of
from schema.build import build_schema
from schema.runtime import Limits
from schema.transport.app import ApiSettings
from tests.schema.documents import FOLLOW
from tests.support.databases import unique_name
from tests.support.partners import Partner, partner
from tests.support.serving import Server, serving

PAGE = "query ($n: Int) { jobs(first: $n) { edges { node { id events(first: 20) { edges { node { seq } } } } } } }"
# Only the resolver sees that one of the two sizes is null; as variables, both may be given.
BOTH = (
    "query ($n: Int) { jobs(first: $n, last: 100) { edges { node { events(first: $n, last: 100) "
    "{ edges { node { seq at } } } } } } }"
)


def _bomb(levels: int) -> str:
    fragments = [
        f"fragment f{level} on Job {{ a: parent {{ ...f{level + 1} }} b: parent {{ ...f{level + 1} }} }}"
        for level in range(levels)
    ]
    return (
        "{ jobs(first: 1) { edges { node { ...f0 } } } } "
        + " ".join(fragments)
        + f" fragment f{levels} on Job {{ id }}"
    )


def _spreads(levels: int) -> str:
    fragments = [f"fragment f{level} on Job {{ ...f{level + 1} ...f{level + 1} }}" for level in range(levels)]
    return (
        "{ jobs(first: 1) { edges { node { ...f0 } } } } "
        + " ".join(fragments)
        + f" fragment f{levels} on Job {{ id }}"
    )


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ("{ jobs(first: 1) { edges { node " + "{ parent " * 20 + "{ id }" + " }" * 20 + " } } }", "levels"),
        ("{ " + " ".join(f"a{n}: themes {{ key }}" for n in range(51)) + " }", "aliases"),
        ("{ " + "themes { key } " * 11 + "}", "side by side"),
        ("{ jobs(first: 100) { edges { node { children { children { children { id state } } } } } } }", "fields"),
        (_bomb(11).replace("first: 1", "first: 100"), "fields"),
        (BOTH, "fields"),
        (BOTH.replace("($n: Int)", "").replace("$n", "null"), "fields"),
        ("{ jobs(first: 100) { edges { node { children(first: 100) { id state } } } } }", "fields"),
    ],
)
def test_a_document_beyond_a_limit_is_refused(acme: Partner, document: str, what: str) -> None:
    error = acme.fail(document)
    assert error["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    assert what in error["message"]
    assert "at most" in error["message"]


def test_the_size_of_a_page_counts_however_it_is_given(acme: Partner) -> None:
    assert acme.ask(PAGE, n=1)
    assert acme.ask(PAGE, n=100)
    wide = PAGE.replace("seq", "seq at cursor event actor percent fromState toState attempt durationMs costMicros")
    assert acme.ask(wide, n=20)
    assert acme.fail(wide, n=100)["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    assert acme.fail(wide.replace("$n: Int", "$n: Int = 100"))["extensions"]["code"] == "QUERY_TOO_COMPLEX"
    assert acme.fail(wide.replace("$n: Int", "").replace("$n", "100").replace("query ()", ""))["extensions"][
        "code"
    ] == ("QUERY_TOO_COMPLEX")


def test_a_null_size_counts_as_missing(acme: Partner) -> None:
    assert acme.ask("{ jobs(first: null, last: 5) { edges { cursor } } }")["jobs"]["edges"] == []
    assert acme.ask("query ($n: Int) { jobs(first: $n, last: 5) { edges { cursor } } }", n=None)
    digits = "query ($id: ID! = %s) { job(id: $id) { id } }" % ("9" * 5000)
    assert acme.fail(digits)["extensions"]["code"] == "BAD_USER_INPUT"
    assert acme.fail("{ jobs(first: null) { edges { cursor } } }")["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_subscription_is_measured_too(acme: Partner) -> None:
    with acme.socket() as socket:
        socket.begin(FOLLOW.replace("story { id state percent }", "job { " + "parent { " * 20 + "id" + " }" * 21))
        message = socket.receive()
        assert (message["type"], message["payload"][0]["extensions"]["code"]) == ("error", "QUERY_TOO_COMPLEX")


@pytest.mark.parametrize("bomb", [_bomb, _spreads])
def test_a_fragment_bomb_is_measured_in_the_time_of_its_length(bomb: object) -> None:
    assert callable(bomb)
    document, schema = parse(bomb(40)), build_schema(ApiSettings())._schema
    [operation] = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    # Measure only the time of this thread, because others keep the machine busy.
    began_s = time.thread_time()
    cost = CostMeter(schema, document, {}).cost_of(operation)
    assert time.thread_time() - began_s < 1
    assert cost.fields > 2**38


@pytest.mark.parametrize("bomb", [_bomb, _spreads])
def test_a_fragment_bomb_does_not_block_the_server(acme: Partner, bomb: object) -> None:
    assert callable(bomb)
    # It doubles at each of ninety levels, so executing it would take longer than the universe will last.
    assert acme.fail(bomb(90))["extensions"]["code"] == "QUERY_TOO_COMPLEX"


def test_a_flood_of_directives_is_cut_short(acme: Partner) -> None:
    errors = acme.post("{ viewer { name " + "@aa " * 500 + "} }").json()["errors"]
    assert len(errors) <= 6
    assert {error["extensions"]["code"] for error in errors} == {"GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        ("{ themed { key } }", "themes"),
        ("{ job(ids: 1) { id } }", "Did you mean"),
        ("query ($x: JobFilterr) { themes { key } }", "Did you mean"),
        ("{ jobs(first: 1, orderBy: NEWESTT) { pageInfo { endCursor } } }", "Did you mean"),
    ],
)
def test_a_typing_mistake_reveals_no_names(acme: Partner, document: str, hint: str) -> None:
    assert hint not in acme.post(document).text


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "",
        "{ themes { key } } #" + "x" * 70_000,
        "{ " + "themes { key } " * 1000 + "}",
        "{ a" + "(x: [" * 400 + "])" * 400 + " }",
        "{ " + "a { " * 900,
        "#\n" * 3000 + "{ themes { key } }",
    ],
)
def test_a_document_that_cannot_be_parsed_is_the_callers_mistake(acme: Partner, document: str) -> None:
    response = acme.post(document)
    assert response.status_code in (200, 400)
    assert response.json()["errors"][0]["extensions"]["code"] in ("GRAPHQL_PARSE_FAILED", "BAD_REQUEST")


def test_the_size_of_a_body_is_limited(acme: Partner) -> None:
    response = acme.post("{ themes { key } }", {"x": "y" * 300_000})
    assert response.status_code == 413
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_the_size_of_a_body_without_a_length_is_limited_too(acme: Partner) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b" " * 8192

    headers = {**acme.headers, "Content-Type": "application/json"}
    assert httpx.post(f"{acme.server.url}/graphql", content=endless(), headers=headers).status_code == 413


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"query": "{themes{key}}", "variables": {"x": ' + "[" * 40 + "]" * 40 + "}}"]
)
def test_a_nested_body_is_refused(acme: Partner, body: str) -> None:
    headers = {**acme.headers, "Content-Type": "application/json"}
    response = httpx.post(f"{acme.server.url}/graphql", content=body, headers=headers)
    assert response.status_code == 400


def test_introspection_is_allowed_only_in_development(acme: Partner, api_database: str) -> None:
    document = get_introspection_query()
    assert acme.fail(document)["extensions"]["code"] == "FORBIDDEN"
    assert acme.fail('{ ...x } fragment x on Query { ... { __type(name: "Job") { name } } }')["extensions"]["code"]
    assert acme.ask("{ __typename }") == {"__typename": "Query"}
    with serving(api_database, ApiSettings(development=True)) as server:
        anonymous = Partner(server, None, "")
        assert anonymous.ask(document)["__schema"]["queryType"]["name"] == "Query"
        for reading in (
            "{ themes { key } }",
            "{ __typename themes { key } }",
            "{ ...x } fragment x on Query { themes { key } }",
        ):
            response = anonymous.post(reading)
            assert response.status_code == 401
            assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert partner(server, unique_name("dev")).ask("{ themes { key } }")


def test_a_circular_introspection_is_refused(api_database: str) -> None:
    circle = "fields { type { " * 6 + "name" + " } }" * 6
    with serving(api_database, ApiSettings(development=True)) as server:
        error = Partner(server, None, "").fail("{ __schema { types { " + circle + " } } }")
        assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert "depth" in error["message"]


def test_a_document_that_passed_is_measured_again_with_other_variables(acme: Partner) -> None:
    wide = PAGE.replace("seq", "seq at cursor event actor percent fromState toState attempt durationMs costMicros")
    for size, passes in ((10, True), (100, False), (10, True), (100, False)):
        assert ("errors" not in acme.post(wide, {"n": size}).json()) is passes


def test_an_operation_is_chosen_by_name_and_only_it_is_measured(server: Server, acme: Partner) -> None:
    heavy = "query Heavy { jobs(first: 100) { edges { node { children { children { children { id state } } } } } } }"
    body = {"query": "query Light { themes { key } } " + heavy, "operationName": "Light"}
    response = httpx.post(f"{server.url}/graphql", json=body, headers=acme.headers).json()
    assert "errors" not in response
    body["operationName"] = "Heavy"
    response = httpx.post(f"{server.url}/graphql", json=body, headers=acme.headers).json()
    assert response["errors"][0]["extensions"]["code"] == "QUERY_TOO_COMPLEX"


def test_the_text_of_a_document_is_read_without_recursion() -> None:
    shape = shape_of(parse("{ a: x { b: y { z z z } } ... { a: x } }"))
    assert (shape.aliases, shape.repetitions) == (3, 3)


def test_the_limits_leave_room_for_introspection() -> None:
    schema, limits = build_schema(ApiSettings())._schema, Limits()
    document = parse(get_introspection_query())
    [operation] = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    cost = CostMeter(schema, document, {}).cost_of(operation)
    assert cost.depth <= limits.depth
    assert cost.fields <= limits.fields


@pytest.mark.parametrize(("jobs", "most"), [("scenes", 19), ("animations", 18), ("jobs", 20)])
def test_the_jobs_of_a_story_count_as_many_as_it_may_have(jobs: str, most: int) -> None:
    document, schema = (
        parse(f'{{ story(id: "story_1") {{ {jobs} {{ id state }} }} }}'),
        build_schema(ApiSettings())._schema,
    )
    [operation] = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    assert CostMeter(schema, document, {}).cost_of(operation).fields == 2 + 2 * most
