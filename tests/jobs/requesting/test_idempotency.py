"""A key covers the whole request: no field of any request can change without a new key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from db.ids import new_id
from db.records.requests import IdempotencyKey
from jobs.errors import IdempotencyKeyReused, Invalid
from jobs.requesting import requests
from jobs.requesting.credits import GrantRequest
from jobs.requesting.idempotency import Made, once
from jobs.requesting.requests import (
    AnimationOptions,
    AnimationRequest,
    AvatarRequest,
    BatchAnimation,
    BatchRequest,
    BatchScene,
    BatchStory,
    RequestOptions,
    SceneOptions,
    SceneRequest,
    StoryRequest,
    StoryScene,
    StoryScenes,
)
from tests.support.factories import World, make_world

OPTIONS = RequestOptions("key", priority=1, metadata={"order": 1})
CONTENT = StoryScenes((StoryScene(SceneOptions("neon-city", "rain"), (AnimationOptions(),)),))
STORY = BatchStory(new_id(), CONTENT, {"story": 1})
VIDEO = BatchAnimation(AnimationOptions(), new_id(), new_id(), {"video": 1})
SCENE = BatchScene(SceneOptions("neon-city", "rain"), new_id(), new_id(), {"scene": 1})
REQUESTS: tuple[Any, ...] = (
    StoryRequest(OPTIONS, new_id(), CONTENT),
    AvatarRequest(OPTIONS, new_id()),
    SceneRequest(OPTIONS, SceneOptions("neon-city", "rain"), new_id(), new_id()),
    AnimationRequest(OPTIONS, new_id(), new_id(), AnimationOptions()),
    BatchRequest(OPTIONS, (STORY,), (SCENE,), (VIDEO,)),
    GrantRequest("key", 10, "ada", "acme", "a gift"),
)


# What stands for a plain field that was not given; a request must give the others, so that every depth is varied.
_PLAIN = {"str | None": "", "int | None": 0, "UUID | None": UUID(int=0)}


def variants(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield copies of a value, each different in one field at some depth, with the path to the field."""
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            given = getattr(value, field.name)
            for path, other in variants(_PLAIN.get(str(field.type)) if given is None else given):
                yield f"{field.name}{path}", replace(value, **{field.name: other})
    elif isinstance(value, tuple):
        for path, other in variants(value[0]):
            yield f"[0]{path}", (other, *value[1:])
        yield "+1", (*value, value[0])
    else:
        yield "", _other(value)


def _other(value: Any) -> Any:
    match value:
        case UUID():
            return new_id()
        case dict():
            return {**value, "more": None}
        case str():
            return f"{value} changed"
        case int():
            return value + 1
        case _:
            raise TypeError(f"the test gives no value for {value!r}")


CASES = [
    pytest.param(request, other, id=f"{type(request).__name__}.{path}")
    for request in REQUESTS
    for path, other in variants(request)
    # Requests are compared under their key: another key is another request.
    if not path.endswith("idempotency_key")
]


@pytest.fixture
def world(engine: Engine) -> World:
    """Make an account."""
    with engine.begin() as conn:
        return make_world(conn)


def claim(engine: Engine, world: World, request: Any, key: str = "key") -> tuple[Made, list[UUID]]:
    made: list[UUID] = []
    with engine.begin() as conn:
        found = once(conn, IdempotencyKey(world.owner.account_id, "", "test", key), request, made.append)
    return found, made


@pytest.mark.parametrize(("request_", "other"), [pytest.param(*case.values, id=case.id) for case in CASES])
def test_every_field_of_a_request_counts(engine: Engine, world: World, request_: Any, other: Any) -> None:
    claim(engine, world, request_)
    with pytest.raises(IdempotencyKeyReused):
        claim(engine, world, other)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_the_same_request_is_carried_out_once(engine: Engine, world: World, request_: Any) -> None:
    first, made = claim(engine, world, request_)
    again, made_again = claim(engine, world, replace(request_))
    assert (made, made_again) == ([first.resource_id], [])
    assert again == Made(first.resource_id, replayed=True)


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_has_1_to_255_characters(engine: Engine, world: World, key: str) -> None:
    with pytest.raises(Invalid):
        claim(engine, world, REQUESTS[0], key)


def test_every_request_type_is_tested_here() -> None:
    declared = {name for name in vars(requests) if name.endswith("Request")}
    assert declared == {type(request).__name__ for request in REQUESTS} - {"GrantRequest"}
