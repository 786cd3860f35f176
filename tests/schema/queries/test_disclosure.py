"""A session reads null for whatever the provider was asked and paid, wherever the schema leads to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLField, GraphQLObjectType, build_schema, get_named_type
from sqlalchemy import text

from schema.ids import IdKind, decode_id
from tests.schema.credits import selfie
from tests.schema.documents import make_story
from tests.support.partners import TO_SUCCESS, Partner, add_attempt, move
from tests.support.serving import Caller

_SCHEMA = build_schema((Path(__file__).parents[3] / "schema/schema.graphql").read_text())
_OF_PROVIDER = re.compile(r"(cost|reserved)Micros|model|promptVersion|predictionId|experiment|variant")
# These are for support alone, which a test of each says.
_FOR_SUPPORT = {"compensations", "promptExperiments", "steps"}
_LEVELS_MAX = 11


def _selection(type_: Any, above: tuple[str, ...] = ()) -> str:
    """Return a selection of every field of the provider below a type, by every route without a circle."""
    if not isinstance(type_, GraphQLObjectType) or type_.name in above or len(above) > _LEVELS_MAX:
        return ""
    parts = [_field(name, field, (*above, type_.name)) for name, field in type_.fields.items()]
    return " ".join(part for part in parts if part)


def _field(name: str, field: GraphQLField, above: tuple[str, ...]) -> str:
    if _OF_PROVIDER.fullmatch(name):
        return name
    below = _selection(get_named_type(field.type), above)
    return f"{name}{'(first: 1)' if 'first' in field.args else ''} {{ {below} }}" if below else ""


def _roots() -> Iterator[tuple[str, str]]:
    """Yield every field of `Query` that leads to a field of the provider, with what to select of it."""
    assert _SCHEMA.query_type is not None
    for name, field in _SCHEMA.query_type.fields.items():
        below = _selection(get_named_type(field.type))
        if below and name not in _FOR_SUPPORT:
            yield name, below


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the fields of the provider in a response."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _leaves(below, key)
    elif isinstance(value, list):
        for below in value:
            yield from _leaves(below, name)
    elif _OF_PROVIDER.fullmatch(name):
        yield name, value


@pytest.fixture
def callers(acme: Partner, support: Partner) -> dict[str, Caller]:
    """Return each kind of caller."""
    return {"session": acme.user(), "partner": acme, "support": support}


@pytest.fixture
def ids(acme: Partner, callers: dict[str, Caller]) -> dict[str, str]:
    """Make a story of the session with one job that was paid for, and return the ids that lead to it."""
    user = callers["session"]
    picture = selfie(acme, user)
    story = make_story(user, picture)
    avatar = story["avatar"]["id"]
    add_attempt(acme.server.engine, avatar)
    move(acme.server.engine, avatar, *TO_SUCCESS)
    with acme.server.engine.begin() as conn:
        row = {"id": decode_id(avatar, IdKind.JOB)}
        conn.execute(text("UPDATE attempts SET experiment = 'e', variant = 'v' WHERE job_id = :id"), row)
    output = user.ask("query ($id: ID!) { job(id: $id) { output { id } session { id } } }", id=avatar)["job"]
    return {"job": avatar, "story": story["id"], "asset": output["output"]["id"], "session": output["session"]["id"]}


def _document(root: str, below: str, ids: dict[str, str]) -> str:
    assert _SCHEMA.query_type is not None
    args = _SCHEMA.query_type.fields[root].args
    given = [f'id: "{ids[root]}"'] if "id" in args else []
    given += ["first: 1"] if "first" in args else []
    given += ["orderBy: OLDEST"] if "orderBy" in args else []
    return f"{{ {root}{'(' + ', '.join(given) + ')' if given else ''} {{ {below} }} }}"


def test_the_walk_finds_every_field_of_the_provider_that_is_not_for_support() -> None:
    found = {name for _, below in _roots() for name in re.findall(r"\w+", below) if _OF_PROVIDER.fullmatch(name)}
    declared = {
        name
        for type_ in _SCHEMA.type_map.values()
        if isinstance(type_, GraphQLObjectType)
        for name in type_.fields
        if _OF_PROVIDER.fullmatch(name)
    }
    assert found == declared


@pytest.mark.parametrize(("root", "below"), list(_roots()), ids=lambda value: value.partition(" ")[0])
def test_a_session_never_sees_what_the_provider_was_asked_and_paid(
    callers: dict[str, Caller], ids: dict[str, str], root: str, below: str
) -> None:
    document = _document(root, below, ids)
    seen = {name: list(_leaves(callers[name].ask(document))) for name in ("session", "partner")}
    assert {value for _, value in seen["session"]} <= {None}
    assert None not in {value for _, value in seen["partner"]}
    if root in ids:
        assert seen["partner"] == list(_leaves(callers["support"].ask(document)))
        assert {name for name, _ in seen["partner"]} >= {"costMicros", "model", "predictionId"}


def test_a_followed_job_shows_a_session_no_price_either(callers: dict[str, Caller], ids: dict[str, str]) -> None:
    document = """
    subscription ($id: ID!, $after: String) {
      generationProgress(jobId: $id, after: $after) {
        event { costMicros } job { costMicros attempts { model } events(first: 1) { edges { cursor } } }
      }
    }
    """
    shown = {}
    for name, caller in callers.items():
        first = caller.ask(
            "query ($id: ID!) { job(id: $id) { events(first: 1) { edges { cursor } } } }", id=ids["job"]
        )["job"]["events"]["edges"][0]["cursor"]
        with caller.socket() as socket:
            socket.begin(document, id=ids["job"], after=first)
            message = socket.next()["generationProgress"]
        shown[name] = (message["event"]["costMicros"], message["job"]["costMicros"], message["job"]["attempts"])
    assert shown["session"] == (None, None, None)
    assert shown["partner"] == shown["support"] == (0, 0, [{"model": "maker/model"}])


def test_a_session_cannot_look_for_a_prediction(callers: dict[str, Caller], ids: dict[str, str]) -> None:
    document = """
    query ($id: String!) { jobs(first: 5, filter: {providerPredictionId: $id}) { edges { node { id } } } }
    """
    wanted = f"prediction-{ids['job']}"
    assert callers["session"].fail(document, id=wanted)["extensions"]["code"] == "FORBIDDEN"
    [edge] = callers["partner"].ask(document, id=wanted)["jobs"]["edges"]
    assert edge["node"]["id"] == ids["job"]
