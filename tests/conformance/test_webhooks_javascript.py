"""The official JavaScript library verifies our messages with the example of the page for partners."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from uuid import UUID

import pytest

from jobs.webhooks.messages import test_message as make_test_message
from tests.conformance.conftest import HERE
from tests.jobs.webhooks.test_page import example
from tests.support.eventually import scaled
from tests.support.webhooks import SECRET

OTHER = "whsec_b3RoZXI="
DRIVER = """
const { body, headers, secret } = JSON.parse(process.env.GIVEN);
console.log(JSON.stringify(receive(body, headers, secret)));
"""


@pytest.fixture
def library(node: str) -> str:
    if not (HERE / "javascript/node_modules/standardwebhooks").is_dir():
        pytest.skip("the JavaScript library of Standard Webhooks is not installed: run `make clients`, which needs npm")
    return node


def received(node: str, body: str, headers: dict[str, str], secret: str) -> object:
    """Return the result of the page's example for a request."""
    script = example("javascript") + DRIVER
    run = subprocess.run(
        [node, "--input-type=module"],
        input=script,
        cwd=HERE / "javascript",
        env={"GIVEN": json.dumps({"body": body, "headers": headers, "secret": secret})},
        capture_output=True,
        text=True,
        timeout=scaled(60),
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_example_in_javascript_verifies_messages(library: str) -> None:
    now = datetime.now(UTC)
    message = make_test_message(UUID(int=1), now)
    signed = message.headers([OTHER, SECRET], now)
    for secret in (OTHER, SECRET):
        assert received(library, message.body, signed, secret) == json.loads(message.body)
    assert received(library, message.body + " ", signed, SECRET) is None
    assert received(library, message.body, message.headers([OTHER], now), SECRET) is None
