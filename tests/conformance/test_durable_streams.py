"""The official clients of Durable Streams follow a story to its end, unchanged, whatever is cut meanwhile."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from schema.ids import IdKind, decode_id
from schema.transport.app import ApiSettings
from tests.conformance.conftest import HERE, ROOT
from tests.schema.conftest import api_database as api_database
from tests.schema.documents import make_story
from tests.schema.streams.test_tickets import CREATE
from tests.support.databases import unique_name
from tests.support.eventually import scaled
from tests.support.partners import LAST_SEQ, PARENT_READY, TO_SUCCESS, Partner, move, partner
from tests.support.relay import Relay, relaying
from tests.support.serving import Caller, Server, serving

pytestmark = pytest.mark.clients

OFTEN = timedelta(milliseconds=100)
SETTINGS = ApiSettings(check_keys_every=OFTEN)

DURABLE = """
import { followStream } from "./example.mjs";
const { URL, LIVE } = process.env;
const token = async () => (await fetch(process.env.TOKEN_URL)).text();
await followStream({ url: URL, live: LIVE, token }, (message) => console.log(JSON.stringify(message)));
"""
EVENT_SOURCE = """
import { EventSource } from "eventsource";
globalThis.EventSource = EventSource;
const { followEvents } = await import("./example.mjs");
const newAddress = async () => (await fetch(process.env.TICKET_URL)).text();
await followEvents(newAddress, (message) => console.log(JSON.stringify(message)));
"""


def example(page: str, language: str) -> str:
    """Return a page's one example in a language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


@dataclass
class Followed:
    """A story with a relay to its API, which is replaced, and a user whose token is."""

    database: str
    server: Server
    acme: Partner
    relay: Relay
    story: dict[str, Any]
    messages: Queue[dict[str, Any]] = field(default_factory=Queue)
    secret: str = ""
    # Waits for the client to end by itself.
    wait: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.relay.port}/streams/stories/{self.story['id']}"

    def renew(self) -> None:
        """End the user's sessions, and open another."""
        with self.server.engine.begin() as conn:
            end = text("UPDATE sessions SET expires_at = now() WHERE account_id = :id")
            conn.execute(end, {"id": self.acme.principal.account_id})
        self.secret = self.acme.user("ada").secret or ""

    def ticket(self) -> str:
        """Return an address with a ticket, which goes through the relay."""
        caller = Caller(self.server, self.secret)
        url = str(caller.ask(CREATE, input={"storyId": self.story["id"]})["createStreamTicket"]["url"])
        return url.replace(self.server.url, f"http://127.0.0.1:{self.relay.port}")

    def take(self, count: int) -> list[dict[str, Any]]:
        return [self.messages.get(timeout=scaled(60)) for _ in range(count)]


@contextmanager
def followed(api_database: str) -> Iterator[Followed]:
    """Yield a story of a user, and the API that a client reaches through a relay."""
    with serving(api_database, SETTINGS) as server, relaying(server.url) as relay:
        acme = partner(server, unique_name("streams"))
        ada = acme.user("ada")
        session = ada.ask("{ viewer { session { id } } }")["viewer"]["session"]["id"]
        story = make_story(ada, acme.asset(session_id=decode_id(session, IdKind.SESSION)))
        yield Followed(api_database, server, acme, relay, story, secret=ada.secret or "")


@contextmanager
def giving(value: Callable[[], str]) -> Iterator[str]:
    """Serve a value to a client that asks for it, as the page's own server would."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = value().encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def cut_replace_and_expire(followed: Followed) -> None:
    """Move the three jobs to their ends; meanwhile cut connections, replace the server and end the token."""
    jobs = [followed.story[part]["id"] for part in ("avatar", "scene", "animation")]
    seen = followed.take(len(jobs))
    with ExitStack() as later:

        def cut() -> None:
            assert followed.relay.cut() >= 1

        def replace() -> None:
            newer = later.enter_context(serving(followed.database, SETTINGS))
            followed.relay.target = ("127.0.0.1", int(newer.url.rpartition(":")[2]))
            followed.server.stop()
            followed.server = followed.acme.server = newer
            followed.relay.cut()

        for number, (job_id, disrupt) in enumerate(zip(jobs, (cut, replace, followed.renew), strict=True)):
            moves = TO_SUCCESS if number == 0 else (PARENT_READY, *TO_SUCCESS)
            move(followed.server.engine, job_id, *moves[:3])
            seen += followed.take(3)
            disrupt()
            move(followed.server.engine, job_id, *moves[3:])
            seen += followed.take(len(moves) - 3)
        whole = httpx.get(
            f"{followed.server.url}/streams/stories/{followed.story['id']}", headers=followed.acme.headers
        )
        assert whole.headers["stream-closed"] == "true"
        numbers = [(each["jobId"], each["event"]["seq"]) for each in seen]
        assert numbers == [(each["jobId"], each["event"]["seq"]) for each in whole.json()]
        assert len(set(numbers)) == len(numbers) == 3 * LAST_SEQ + 2
        assert seen[-1]["progress"] == {"state": "SUCCEEDED", "percent": 100}
        followed.wait()
    assert followed.messages.empty()


def run_script(node: str, followed: Followed, folder: Path, code: str, driver: str, **given: str) -> None:
    """Follow with the code of a page, in a process of its own."""
    packages = HERE / "javascript/node_modules"
    if not (packages / "@durable-streams").is_dir():
        pytest.skip("the JavaScript clients are not installed: run `make clients`, which needs npm")
    (folder / "node_modules").symlink_to(packages)
    (folder / "example.mjs").write_text(code)
    (folder / "driver.mjs").write_text(driver)
    with subprocess.Popen(
        [node, "driver.mjs"], cwd=folder, env=os.environ | given, stdout=subprocess.PIPE, text=True
    ) as client:
        reader = threading.Thread(target=_queue, args=(client, followed.messages), daemon=True)
        reader.start()

        def wait() -> None:
            assert client.wait(timeout=scaled(60)) == 0
            reader.join()

        followed.wait = wait
        try:
            cut_replace_and_expire(followed)
        finally:
            client.kill()


def _queue(client: subprocess.Popen[str], messages: Queue[dict[str, Any]]) -> None:
    for line in client.stdout or ():
        messages.put(json.loads(line))


@pytest.mark.parametrize("live", ["sse", "long-poll"])
def test_in_javascript(node: str, api_database: str, tmp_path: Path, live: str) -> None:
    with followed(api_database) as one, giving(lambda: one.secret) as token_url:
        code = example("frontend.md", "ts")
        run_script(node, one, tmp_path, code, DURABLE, URL=one.url, LIVE=live, TOKEN_URL=token_url)


def test_with_event_source_and_tickets(node: str, api_database: str, tmp_path: Path) -> None:
    # The end of the session ends the ticket too: the code makes a new one.
    with followed(api_database) as one, giving(one.ticket) as ticket_url:
        run_script(node, one, tmp_path, example("frontend.md", "mjs"), EVENT_SOURCE, TICKET_URL=ticket_url)


def test_in_python(api_database: str) -> None:
    names: dict[str, Any] = {}
    exec(example("streams.md", "python"), names)

    def follow(one: Followed) -> None:
        for message in names["follow"](one.url, lambda: one.secret):
            one.messages.put(message)

    with followed(api_database) as one:
        client = threading.Thread(target=follow, args=(one,), daemon=True)
        client.start()

        def wait() -> None:
            client.join(timeout=scaled(60))
            assert not client.is_alive()

        one.wait = wait
        cut_replace_and_expire(one)
