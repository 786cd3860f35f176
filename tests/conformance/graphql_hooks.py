"""Hooks for Schemathesis, beside our own SDL. They run in Schemathesis's own environment.

Random text names nothing, so every second name of an object is one of the caller's own, and texts of custom scalars are
mostly right. A refusal is the caller's error; what fails the run is an error of the server.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import schemathesis
from graphql import ArgumentNode, IntValueNode, ListValueNode, ObjectFieldNode, StringValueNode, parse, print_ast
from graphql.language import Visitor, visit
from hypothesis import strategies as st
from schemathesis.graphql import nodes

OWN: dict[str, str] = json.loads(os.environ["FUZZ_OWN"])
"""The names of what the caller has, by kind."""
CALLS = Path(os.environ["FUZZ_CALLS"])
"""The file of all calls, a line each: status, and the code of the first error."""

KIND_OF = {
    "accountId": "account",
    "assetId": "selfie",
    "avatarId": "avatar",
    "onBehalfOf": "user_ref",
    "sceneId": "scene",
    "selfieId": "selfie",
}
"""The kinds of what arguments name, where that is not in their own name."""
NAMES = {"id", "ids", "account", "after", "before", "theme", "themes", "userRef", "idempotencyKey", "requestId"}

_scalars = st.one_of(
    st.none().map(lambda _: nodes.Null),
    st.booleans().map(nodes.Boolean),
    st.integers(-(2**70), 2**70).map(nodes.Int),
    st.floats(allow_nan=False, allow_infinity=False).map(nodes.Float),
    st.text(max_size=20).map(nodes.String),
)
_names = st.from_regex(r"\A[A-Za-z_][A-Za-z_0-9]{0,8}\Z")


def _field(name: str, value: Any) -> Any:
    from graphql import NameNode

    return ObjectFieldNode(name=NameNode(value=name), value=value)


_json = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(nodes.List),
        st.dictionaries(_names, inner, max_size=4).map(
            lambda members: nodes.Object([_field(name, value) for name, value in members.items()])
        ),
    ),
    max_leaves=12,
)
_zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_times = st.datetimes(timezones=_zones).map(lambda moment: moment.isoformat())
_addresses = st.one_of(st.just("https://127.0.0.1/picture.png"), st.text(max_size=30).map("https://".__add__))
_digits = st.integers(-(2**65), 2**65)

schemathesis.graphql.scalar("JSON", _json)
schemathesis.graphql.scalar("DateTime", st.one_of(_times, st.text(max_size=30)).map(nodes.String))
schemathesis.graphql.scalar("URL", st.one_of(_addresses, st.text(max_size=30)).map(nodes.String))
schemathesis.graphql.scalar("BigInt", st.one_of(_digits.map(nodes.Int), _digits.map(str).map(nodes.String)))


class _Naming(Visitor):
    """Names something of the caller's in every second place that names an object, and never lets a request wait."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        self._change(node)

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        self._change(node)

    def _change(self, node: Any) -> None:
        name = node.name.value
        if name == "waitSeconds":
            node.value = IntValueNode(value="0")
        elif name in ("first", "last") and self._random.random() < 0.8:
            node.value = IntValueNode(value=str(self._random.randint(1, 20)))
        elif self._random.random() < 0.5 and (found := self._own(name)):
            named = StringValueNode(value=found)
            node.value = ListValueNode(values=(named,)) if name in ("ids", "themes") else named

    def _own(self, name: str) -> str | None:
        if name in KIND_OF or name.endswith("Id"):
            return OWN.get(KIND_OF.get(name, name.removesuffix("Id")))
        if name in ("theme", "themes"):
            return "neon-city"
        return self._random.choice(list(OWN.values())) if name in NAMES else None


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Put the caller's own names into a document."""
    document = parse(case.body)
    visit(document, _Naming(Random(crc32(case.body.encode(errors="replace")))))
    case.body = print_ast(document)


@schemathesis.check
def no_server_error(ctx: Any, response: Any, case: Any) -> None:
    """Fail for a status of 500 and above, an error that was masked, and a body that is not of GraphQL."""
    body = response.json()
    codes = [error["extensions"]["code"] for error in body.get("errors", ())]
    with CALLS.open("a") as calls:
        print(response.status_code, *codes[:1], file=calls)
    assert response.status_code < 500, body
    assert "INTERNAL_SERVER_ERROR" not in codes, body
    assert "data" in body or codes, body
