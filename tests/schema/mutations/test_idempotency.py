"""An idempotency key serves one request: a change of any input field under the same key is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type

from schema.build import build_schema
from schema.runtime import ApiSettings
from tests.schema.documents import new_key
from tests.support.partners import Partner

# A different valid value for every input field that counts; the test makes those of ids.
_OTHERS: dict[str, Any] = {
    "theme": "moon-base",
    "details": "rain",
    "onFailure": "KEEP",
    "priority": 3,
    "metadata": {"order": 7},
    "style": "WAVE",
    "camera": "PUSH_IN",
    "durationSeconds": 10,
    "amount": "11",
    "userRef": "bea",
    "reason": "a gift",
}
# `waitSeconds` may differ, so that a client can wait again; only support may name an account; each user's keys are
# a set of their own.
_LEFT_OUT = {"idempotencyKey", "waitSeconds", "account", "onBehalfOf"}
_ASSET_OF = {"selfieId": "selfie", "avatarId": "avatar", "sceneId": "scene"}
_GIVEN: dict[str, dict[str, Any]] = {
    "createStory": {"selfieId": None, "theme": "neon-city"},
    "createAvatar": {"selfieId": None},
    "createScene": {"avatarId": None, "theme": "neon-city"},
    "createAnimation": {"sceneId": None},
    "createBatch": {
        "stories": [{"selfieId": None, "theme": "neon-city"}],
        "scenes": [{"avatarId": None, "theme": "neon-city"}],
        "animations": [{"sceneId": None}],
    },
    "grantCredits": {"amount": "10", "userRef": "ada"},
}

# A story whose scenes are given as a list.
_OF_SCENES = {"selfieId": None, "scenes": [{"theme": "neon-city", "animations": [{}]}]}


def _given(mutation: str, path: tuple[str, ...]) -> dict[str, Any]:
    """Return an input that has the field at the path."""
    if mutation == "createStory" and "scenes" in path:
        return _OF_SCENES
    if path[:2] == ("stories", "scenes"):
        return {**_GIVEN[mutation], "stories": [_OF_SCENES]}
    return _GIVEN[mutation]


def _paths(type_: GraphQLInputObjectType) -> Iterator[tuple[str, ...]]:
    for name, field in type_.fields.items():
        inner = get_named_type(field.type)
        if isinstance(inner, GraphQLInputObjectType):
            yield from ((name, *path) for path in _paths(inner))
        elif name not in _LEFT_OUT:
            yield (name,)


def _input_of(mutation: str) -> Any:
    name = f"{mutation[0].upper()}{mutation[1:]}Input"
    return build_schema(ApiSettings())._schema.get_type(name)


CASES = [
    pytest.param(mutation, path, id=f"{mutation}-{'.'.join(path)}")
    for mutation in _GIVEN
    for path in _paths(_input_of(mutation))
]


def _with_ids(acme: Partner, given: Any) -> Any:
    if isinstance(given, list):
        return [_with_ids(acme, each) for each in given]
    return {
        name: _with_ids(acme, value)
        if isinstance(value, list)
        else acme.asset(_ASSET_OF[name])
        if value is None
        else value
        for name, value in given.items()
    }


def _changed(
    acme: Partner, given: dict[str, Any], path: tuple[str, ...], others: dict[str, Any] = _OTHERS
) -> dict[str, Any]:
    name, *rest = path
    if not rest:
        return {**given, name: acme.asset(_ASSET_OF[name]) if name in _ASSET_OF else others[name]}
    inner = given.get(name, {})
    if isinstance(inner, list):
        return {**given, name: [_changed(acme, inner[0], tuple(rest), others)]}
    return {**given, name: _changed(acme, inner, tuple(rest), others)}


@pytest.mark.parametrize(("mutation", "path"), CASES)
def test_a_key_cannot_be_reused_for_another_request(acme: Partner, mutation: str, path: tuple[str, ...]) -> None:
    document = f"""
    mutation ($input: {mutation[0].upper()}{mutation[1:]}Input!) {{
      {mutation}(input: $input) {{ replayed userErrors {{ code path }} }}
    }}
    """
    given = {**_with_ids(acme, _given(mutation, path)), "idempotencyKey": new_key()}
    assert acme.ask(document, input=given)[mutation] == {"replayed": False, "userErrors": []}
    other = acme.ask(document, input=_changed(acme, given, path))[mutation]
    assert other["userErrors"] == [{"code": "IDEMPOTENCY_KEY_REUSED", "path": ["input", "idempotencyKey"]}]


@pytest.mark.parametrize("mutation", ["createStory", "createScene", "createBatch"])
def test_empty_metadata_is_no_other_request_than_none(acme: Partner, mutation: str) -> None:
    document = f"""
    mutation ($input: {mutation[0].upper()}{mutation[1:]}Input!) {{
      {mutation}(input: $input) {{ replayed userErrors {{ code path }} }}
    }}
    """
    given = {**_with_ids(acme, _GIVEN[mutation]), "idempotencyKey": new_key()}
    same = _OTHERS | {"metadata": {}}
    path = ("scenes", "metadata") if mutation == "createBatch" else ("metadata",)
    assert acme.ask(document, input=given)[mutation] == {"replayed": False, "userErrors": []}
    empty = _changed(acme, given, path, same)
    assert acme.ask(document, input=empty)[mutation] == {"replayed": True, "userErrors": []}
