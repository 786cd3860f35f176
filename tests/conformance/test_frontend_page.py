"""The code of the page for front ends follows a story to its end, through cut connections and an expired token."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from tests.conformance.conftest import HERE, ROOT
from tests.schema.conftest import acme as acme
from tests.schema.conftest import api_database as api_database
from tests.schema.conftest import server as server
from tests.schema.documents import make_story
from tests.support.eventually import scaled
from tests.support.partners import LAST_SEQ, PARENT_READY, TO_SUCCESS, Partner, move
from tests.support.relay import Relay, relaying

PAGE = ROOT / "docs" / "frontend.md"
# Asked for a token three times: the second one is not valid any more.
DRIVER = """
import WebSocket from "ws";
import { followStory } from "./story.mjs";
const { STORY, URL, TOKENS } = process.env;
const tokens = JSON.parse(TOKENS);
const token = async () => (tokens.length > 1 ? tokens.shift() : tokens[0]);
for await (const each of followStory(STORY, { url: URL, token, webSocketImpl: WebSocket })) {
  console.log(JSON.stringify(each));
}
"""


def example(language: str) -> str:
    """Return the page's one example in a language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def over_websocket() -> str:
    return example("javascript")


def over_http() -> str:
    """Return the first example with the beginning of the second."""
    code = over_websocket()
    return example("js") + code[code.index("const QUERY") :]


@pytest.mark.parametrize("code", [over_websocket, over_http], ids=lambda code: code.__name__)
def test_the_code_follows_a_story_through_cuts(node: str, acme: Partner, tmp_path: Path, code: Any) -> None:
    packages = HERE / "javascript/node_modules"
    if not (packages / "graphql-sse").is_dir():
        pytest.skip("the JavaScript clients are not installed: run `make clients`, which needs npm")
    (tmp_path / "node_modules").symlink_to(packages)
    (tmp_path / "story.mjs").write_text(code())
    (tmp_path / "driver.mjs").write_text(DRIVER)
    story = make_story(acme, acme.asset())
    with relaying(acme.server.url) as relay:
        scheme = "ws" if code is over_websocket else "http"
        given = {
            "STORY": story["id"],
            "URL": f"{scheme}://127.0.0.1:{relay.port}/graphql",
            "TOKENS": json.dumps([acme.secret, "dio_expired", acme.secret] if scheme == "ws" else [acme.secret]),
        }
        with subprocess.Popen(
            [node, "driver.mjs"], cwd=tmp_path, env=os.environ | given, stdout=subprocess.PIPE, text=True
        ) as client:
            # A client that has lost its place would be waited for without end.
            limit = Timer(scaled(20), client.kill)
            limit.start()
            try:
                _cut_and_check(acme, story, client, relay)
                assert client.wait() == 0
            finally:
                limit.cancel()
                client.kill()


def _cut_and_check(acme: Partner, story: dict[str, Any], client: subprocess.Popen[str], relay: Relay) -> None:
    """Move the jobs of the story one after another, and cut the connection while each goes on."""
    assert client.stdout is not None
    jobs = [story[part]["id"] for part in ("avatar", "scene", "animation")]
    assert json.loads(client.stdout.readline())["event"] is None
    for number, job_id in enumerate(jobs):
        first = () if number == 0 else (PARENT_READY,)
        moves = (*first, *TO_SUCCESS)
        move(acme.server.engine, job_id, *moves[:3])
        seen = [json.loads(client.stdout.readline()) for _ in range(3)]
        assert relay.cut() >= 1
        move(acme.server.engine, job_id, *moves[3:])
        seen += [json.loads(client.stdout.readline()) for _ in moves[3:]]
        assert [each["job"]["id"] for each in seen] == [job_id] * len(moves)
        assert [each["event"]["seq"] for each in seen] == list(range(2, LAST_SEQ + len(first) + 1))
    assert (seen[-1]["state"], seen[-1]["isFinal"], seen[-1]["percent"]) == ("SUCCEEDED", True, 100)
    assert client.stdout.read() == ""
