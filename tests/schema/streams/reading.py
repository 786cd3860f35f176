"""A reader of streams, which knows of the protocol what the tests are about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from db.engine.activity import sequence
from tests.support.events import EventReader
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


class Events(EventReader):
    """The events of a stream: messages, and after each batch of them its control event."""

    def batch(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Return the messages up to the next control event, and that."""
        messages: list[dict[str, Any]] = []
        while (given := self.next()).name == "data":
            messages += given.data
        assert given.name == "control"
        assert given.id == given.data["streamNextOffset"]
        return messages, given.data


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
        yield Events(response)
