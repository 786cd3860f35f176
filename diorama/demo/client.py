"""A client of the public GraphQL API, which works as any front end would, over real HTTP and a real subscription."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import websockets
from websockets.typing import Subprotocol

_RECONNECT_AFTER_S = 0.5
_RECONNECTS_MAX = 20


class Refused(Exception):
    """The API refused a request. The message gives the user the reason."""


class Unreachable(Exception):
    """The API or the object store does not respond, or something else responds in its place."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One message of the subscription: a step of a story."""

    job: dict[str, Any]
    event: dict[str, Any] | None
    story_percent: int
    is_final: bool
    cursor: str


class ApiClient:
    """Calls one API with one key or token. Use it as an async context manager."""

    def __init__(self, base_url: str, secret: str) -> None:
        # `diorama up` prints the address of GraphiQL, which is that of the operations too.
        self._base_url = base_url.rstrip("/").removesuffix("/graphql")
        self._secret = secret
        self._http = httpx.AsyncClient(timeout=60.0)

    async def __aenter__(self) -> ApiClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """Run a query or a mutation and return its data. Raises Refused or Unreachable."""
        try:
            response = await self._http.post(
                f"{self._base_url}/graphql",
                json={"query": document, "variables": variables},
                headers={"Authorization": f"Bearer {self._secret}"},
            )
            result = response.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            reason = type(error).__name__
            raise Unreachable(f"{self._base_url} does not respond as a Diorama API ({reason}).") from None
        if result.get("errors"):
            raise Refused(str(result["errors"][0]["message"]))
        data: dict[str, Any] = result["data"]
        return data

    async def mutate(self, document: str, **variables: Any) -> dict[str, Any]:
        """Run a mutation of one field and return its payload. Raises Refused with the first user error."""
        data = await self.ask(document, **variables)
        payload: dict[str, Any] = next(iter(data.values()))
        if payload["userErrors"]:
            raise Refused(str(payload["userErrors"][0]["message"]))
        return payload

    async def upload(self, picture: Path, content_type: str) -> str:
        """Upload a picture straight to the object store, have it checked, and return the asset's id."""
        made = await self.mutate(_CREATE_UPLOAD, input={"contentType": content_type})
        form = {field["name"]: field["value"] for field in made["form"]["fields"]}
        with _reaching_store(made["form"]["url"]):
            posted = await self._http.post(
                made["form"]["url"], data=form, files={"file": (picture.name, picture.read_bytes())}
            )
        if posted.status_code >= 300:
            raise Refused(f"The object store refused the upload (HTTP {posted.status_code}).")
        completed = await self.mutate(_COMPLETE_UPLOAD, input={"assetId": made["asset"]["id"]})
        return str(completed["asset"]["id"])

    async def create_story(self, selfie_id: str, theme: str) -> str:
        """Request an avatar, a scene and an animation, and return the story's id."""
        given = {"selfieId": selfie_id, "theme": theme, "idempotencyKey": str(uuid4())}
        made = await self.mutate(_CREATE_STORY, input=given)
        return str(made["story"]["id"])

    async def follow(self, story_id: str) -> AsyncIterator[Progress]:
        """Yield every step of a story to its end, and reconnect from the last cursor if a socket breaks."""
        cursor: str | None = None
        for _ in range(_RECONNECTS_MAX):
            try:
                async for progress in self._subscribe(story_id, cursor):
                    cursor = progress.cursor
                    yield progress
                    if progress.is_final:
                        return
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(_RECONNECT_AFTER_S)
        raise Unreachable(f"the subscription at {self._base_url} broke {_RECONNECTS_MAX} times.")

    async def download(self, url: str, target: Path) -> None:
        """Download a signed URL to a file. Raises Refused or Unreachable, or OSError if the file cannot be written."""
        with _reaching_store(url):
            async with self._http.stream("GET", url) as response:
                if response.status_code != 200:
                    raise Refused(f"The object store refused the download (HTTP {response.status_code}).")
                with target.open("wb") as file:
                    async for chunk in response.aiter_bytes():
                        file.write(chunk)

    async def _subscribe(self, story_id: str, cursor: str | None) -> AsyncIterator[Progress]:
        address = self._base_url.replace("http", "ws", 1) + "/graphql"
        variables = {"storyId": story_id, "after": cursor}
        async with websockets.connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            await _say(socket, type="connection_init", payload={"authorization": f"Bearer {self._secret}"})
            async for text in socket:
                message = json.loads(text)
                match message["type"]:
                    case "connection_ack":
                        payload = {"query": _FOLLOW, "variables": variables}
                        await _say(socket, id="1", type="subscribe", payload=payload)
                    case "ping":
                        await _say(socket, type="pong")
                    case "next":
                        yield _progress(message["payload"])
                    case "error":
                        raise Refused(str(message["payload"][0]["message"]))
                    case "complete":
                        return


@contextmanager
def _reaching_store(url: str) -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        place = urlsplit(url).netloc
        raise Unreachable(f"the object store at {place} does not respond ({type(error).__name__}).") from None


async def _say(socket: websockets.ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


def _progress(payload: dict[str, Any]) -> Progress:
    if payload.get("errors"):
        raise Refused(str(payload["errors"][0]["message"]))
    pushed = payload["data"]["generationProgress"]
    return Progress(pushed["job"], pushed["event"], pushed["story"]["percent"], pushed["isFinal"], pushed["cursor"])


_CREATE_UPLOAD = """
mutation CreateUpload($input: CreateUploadInput!) {
  createUpload(input: $input) { asset { id } form { url fields { name value } } userErrors { message } }
}
"""

_COMPLETE_UPLOAD = """
mutation CompleteUpload($input: CompleteUploadInput!) {
  completeUpload(input: $input) { asset { id } userErrors { message } }
}
"""

_CREATE_STORY = """
mutation CreateStory($input: CreateStoryInput!) {
  createStory(input: $input) { story { id } userErrors { message } }
}
"""

_FOLLOW = """
subscription Follow($storyId: ID!, $after: String) {
  generationProgress(storyId: $storyId, after: $after) {
    job { id kind state percent error { message } }
    story { percent }
    event { event toState reason }
    isFinal
    cursor
  }
}
"""

OUTPUTS = """
query Outputs($id: ID!) {
  story(id: $id) {
    state
    avatar { ...Made }
    scene { ...Made }
    animation { ...Made }
  }
}
fragment Made on Job {
  kind
  state
  error { message }
  output { url contentType width height poster { url contentType } }
}
"""

THEMES = "{ themes { key name } }"
