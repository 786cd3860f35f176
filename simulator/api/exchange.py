"""Requests and responses as values, so that operations are plain functions and faults can change a response."""

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
    """The JSON body, once it has been parsed."""

    def json(self) -> Any:
        """Return the parsed body. Raises BadRequest."""
        if self.parsed is None:
            try:
                self.parsed = orjson.loads(self.body)
            except orjson.JSONDecodeError as broken:
                raise BadRequest(f"Invalid JSON in request body: {broken}") from None
        return self.parsed

    def object(self) -> dict[str, Any]:
        """Return the parsed body, which must be a JSON object. Raises BadRequest."""
        body = self.json()
        if not isinstance(body, dict):
            raise BadRequest("Request body must be a JSON object")
        return body


@dataclass(frozen=True, slots=True)
class Transmission:
    """A fault in the sending of a response."""

    lost: bool = False
    """Nothing is sent, and the connection stays open until the client gives up."""
    reset: bool = False
    """The connection is reset: at once, or if `cut_at` is set, after that part of the body."""
    cut_at: float | None = None
    """The part of the body, between 0 and 1, that is sent before the reset."""
    body_takes_s: float = 0.0
    """The seconds over which the body is spread."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One response. `transmission` is None if it is sent without a fault."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    transmission: Transmission | None = None

    def having(self, headers: Mapping[str, str]) -> Reply:
        """Return the same response with more headers."""
        return replace(self, headers={**self.headers, **headers})


def json_reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a response with a JSON body."""
    return Reply(status, orjson.dumps(body), JSON, headers or {})


def problem_reply(problem: Problem) -> Reply:
    """Return the response for an error."""
    body = orjson.dumps(problem.body) + b"\n"
    return Reply(problem.status, body, PROBLEM, problem.headers)
