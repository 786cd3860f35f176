"""The page for partners shows messages as they are, and its example in Python verifies them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from statemachine.vocabulary import State, WebhookEventType
from statemachine.webhooks import WebhookPolicy
from tests.support.receiver import Receiver
from tests.support.webhooks import SECRET, Hooks, message

PAGE = Path(__file__).parents[3] / "docs" / "webhooks.md"


def example(language: str) -> str:
    """Return the page's one example in a language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def test_the_example_in_python_verifies_messages(hooks: Hooks, receiver: Receiver) -> None:
    hooks.job(State.SUCCEEDED)
    endpoint_id = hooks.endpoint(receiver.url, WebhookEventType.JOB_SUCCEEDED)
    with hooks.delivering():
        hooks.wait_until_through(endpoint_id)
    [received] = receiver.requests
    defined: dict[str, Any] = {}
    exec(example("python"), defined)
    assert defined["receive"](received.body, received.headers, SECRET)["type"] == "job.succeeded"
    assert defined["receive"](received.body + b" ", received.headers, SECRET) is None
    assert defined["receive"](received.body, received.headers, "whsec_b3RoZXI=") is None


def test_the_message_of_the_page_has_the_fields_of_a_real_one(hooks: Hooks, receiver: Receiver) -> None:
    hooks.job(State.SUCCEEDED)
    endpoint_id = hooks.endpoint(receiver.url, WebhookEventType.JOB_SUCCEEDED)
    with hooks.delivering():
        hooks.wait_until_through(endpoint_id)
    shown, real = json.loads(example("json")), message(receiver.requests[0])
    assert list(shown) == list(real)
    assert list(shown["data"]) == list(real["data"])


def test_the_page_lists_every_type() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for each in WebhookEventType:
        assert f"`{each.dotted}`" in page
        assert f"`{each.name}`" in page


def test_the_page_gives_the_waits() -> None:
    words = "5 and 30 seconds, 2, 10 and 30 minutes, 1 and 2 hours, and then every 4 hours"
    assert words in PAGE.read_text(encoding="utf-8").replace("\n", " ")
    assert WebhookPolicy().delays_s == (5, 30, 120, 600, 1800, 3600, 7200, 14_400)
    assert WebhookPolicy().gives_up_after.days == 3
    assert Webhook(SECRET)
