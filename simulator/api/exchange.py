"""Requests and answers as values, so that operations are plain functions and faults can change an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from simulator.problems import BadRequest, Problem

JSON = "application/json; charset=utf-8"
PROBLEM = "application/problem+json"


@dataclass(slots=True)
class Call:
    """One request. Header names are lower-case."""

    operation: str
    method: str
    path: str
    at: Mapping[str, str]
    """The path parameters."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    parsed: Any = None
    """The JSON body, once it was read."""

    def json(self) -> Any:
        """Return the parsed body. Raises BadRequest."""
        if self.parsed is None:
            try:
                self.parsed = orjson.loads(self.body)
            except orjson.JSONDecodeError as broken:
                raise BadRequest(f"Invalid JSON in request body: {broken}") from None
        return self.parsed

    def object(self) -> dict[str, Any]:
        """Return the parsed body, which has to be a JSON object. Raises BadRequest."""
        body = self.json()
        if not isinstance(body, dict):
            raise BadRequest("Request body must be a JSON object")
        return body


@dataclass(frozen=True, slots=True)
class Manner:
    """How an answer travels: whole, or spoiled on its way."""

    lost: bool = False
    """Nothing is sent, and the connection stays open until the client gives up."""
    reset: bool = False
    """The connection is reset: at once, or where `cut_at` is set after that part of the body."""
    cut_at: float | None = None
    """The part of the body, between 0 and 1, that is still sent before the reset."""
    body_takes_s: float = 0.0
    """The time over which the body is spread."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    manner: Manner | None = None

    def having(self, headers: Mapping[str, str]) -> Reply:
        """Return the same answer with more headers."""
        return replace(self, headers={**self.headers, **headers})


def json_reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return an answer with a JSON body."""
    return Reply(status, orjson.dumps(body), JSON, headers or {})


def problem_reply(problem: Problem) -> Reply:
    """Return the answer for an error."""
    body = orjson.dumps(problem.body) + b"\n"
    return Reply(problem.status, body, PROBLEM, problem.headers)
