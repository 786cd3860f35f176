"""A reader of streams, which knows of the protocol what the tests are about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from db.engine.activity import sequence
from tests.support.eventually import scaled
from tests.support.partners import Partner
from tests.support.serving import Caller


def sequenced(partner: Partner) -> None:
    """Give what has happened its positions in the activity."""
    with partner.server.engine.begin() as conn:
        sequence(conn)


def get(caller: Caller, path: str, *, method: str = "GET", headers: dict[str, str] | None = None, **params: Any) -> Any:
    """Return the response of a stream."""
    return caller.server.http.request(
        method, f"{caller.server.url}/streams/{path}", params=params, headers=caller.headers | (headers or {})
    )


def read(caller: Caller, path: str, **params: Any) -> httpx.Response:
    """Return the response of a read that succeeds."""
    response: httpx.Response = get(caller, path, **params)
    assert response.status_code == 200, response.text
    return response


def tail(caller: Caller, path: str) -> str:
    """Return the offset at the end of a stream."""
    return str(get(caller, path, method="HEAD").headers["stream-next-offset"])


def seqs(messages: list[dict[str, Any]]) -> list[int]:
    return [each["event"]["seq"] for each in messages]


def refused(caller: Caller, path: str, **params: Any) -> tuple[int, str]:
    """Return the status and the code of a refusal."""
    response = get(caller, path, **params)
    assert response.headers["cache-control"] == "no-store"
    return response.status_code, response.json()["errors"][0]["extensions"]["code"]


@dataclass
class Events:
    """The server-sent events of an open response."""

    response: httpx.Response
    _lines: Iterator[str]

    def next(self) -> tuple[str, str, Any]:
        """Return name, id and data of the next event; raise StopIteration at the end of the response."""
        found: dict[str, str] = {}
        for line in self._lines:
            if not line and "data" in found:
                return found["event"], found["id"], json.loads(found["data"])
            field, _, value = line.partition(": ")
            found[field] = value
        raise StopIteration

    def batch(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Return the messages up to the next control event, and that."""
        messages: list[dict[str, Any]] = []
        while (given := self.next())[0] == "data":
            messages += given[2]
        assert given[0] == "control"
        assert given[1] == given[2]["streamNextOffset"]
        return messages, given[2]

    def take_ping(self) -> None:
        """Read up to the next comment."""
        assert next(line for line in self._lines if line) == ":"

    def has_ended(self) -> bool:
        try:
            self.next()
        except StopIteration:
            return True
        return False


@contextmanager
def following(
    caller: Caller, path: str, offset: str, *, headers: dict[str, str] | None = None, **params: Any
) -> Iterator[Events]:
    """Open a stream as server-sent events."""
    with (
        httpx.Client(timeout=scaled(30)) as client,
        client.stream(
            "GET",
            f"{caller.server.url}/streams/{path}",
            params={"offset": offset, "live": "sse", **params},
            headers=caller.headers | (headers or {}),
        ) as response,
    ):
        yield Events(response, response.iter_lines())
