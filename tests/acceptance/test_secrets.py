"""Nothing that the system writes contains a secret: not its logs, its rows, its responses or its objects."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, make_url, text

from db.public_ids import IdKind, encode_id
from diorama.embedded import EmbeddedS3, ServerCommand, ServerProcess
from jobs.api_keys import issue_api_key
from storage import S3Store
from tests.support.eventually import eventually, scaled
from tests.support.system import System, running_system
from tests.support.tuned import QUICK, program

pytestmark = pytest.mark.system

TOKEN = "r8_RecognisableToken0123456789abcdef"
KEY = "sk-RecognisableOpenAiKey0123456789abcdef"
SIGNING_KEY = "whsec_UmVjb2duaXNhYmxlU2lnbmluZ0tleTAxMjM0NTY3"
EARLIER = program(replace(QUICK, lease=timedelta(seconds=30)), Path(__file__).with_name("earlier.py"))

EVERYTHING = """
{
  jobs(first: 50) {
    edges { node {
      state error { code message detail }
      events(first: 50) { edges { node { event reason error { message detail } } } }
      attempts { model status promptVersion detail }
    } }
  }
}
"""


@dataclass(frozen=True)
class Simulator:
    """The addresses of the simulator."""

    api_url: str
    delivery_url: str


TICKET = "mutation ($jobId: ID!) { createStreamTicket(input: {jobId: $jobId}) { url } }"


@dataclass
class LoggedSystem:
    """A system whose processes all log at debug level, its API, a support key, and the secrets it must not reveal."""

    system: System
    api_url: str
    support_key: str
    directory: Path
    secrets: tuple[str, ...]

    def ask(self, document: str, **variables: Any) -> str:
        """Return the text of the response to an operation by support."""
        headers = {"Authorization": f"Bearer {self.support_key}"}
        body = {"query": document, "variables": variables}
        return (
            httpx.post(f"{self.api_url}/graphql", json=body, headers=headers, timeout=scaled(20))
            .raise_for_status()
            .text
        )


def _announced(process: ServerProcess, word: str) -> dict[str, Any]:
    def announcement() -> dict[str, Any] | None:
        lines = [line for line in process.output().splitlines() if line.startswith("{") and f'"{word}"' in line]
        return json.loads(lines[0]) if lines else None

    return process.wait_until(announcement, scaled(30.0))


@pytest.fixture
def logged(
    engine: Engine, database_url: str, s3_server: EmbeddedS3, store: S3Store, tmp_path: Path
) -> Iterator[LoggedSystem]:
    """Start every part, on a day when the model that needs a key of its own in its input was still served."""
    with ExitStack() as running:

        def start(name: str, argv: list[str], environment: dict[str, str]) -> ServerProcess:
            command = ServerCommand(name=name, argv=argv, log_path=tmp_path / f"{name}.log", env=environment)
            process = ServerProcess.start(command)
            running.callback(process.stop)
            return process

        speed = ["--speed", "200", "--canned", "--seed", "1", "--token", TOKEN, "--log-level", "debug"]
        speed += ["--webhook-secret", SIGNING_KEY]
        simulator = start("simulator", [sys.executable, "-m", "simulator", *speed], dict(os.environ))
        found = _announced(simulator, "delivery")
        addresses: Any = Simulator(found["api"], found["delivery"])
        system = running.enter_context(running_system(engine, database_url, s3_server, store, addresses, tmp_path))
        system.processes.environment |= {
            "REPLICATE_API_TOKEN": TOKEN,
            "OPENAI_API_KEY": KEY,
            "MODELS": "openai/gpt-image-1,minimax/hailuo-2.3",
            "LOG_LEVEL": "debug",
            # With any value here, the API fetches the signing key; the worker needs the real address, set below.
            "PUBLIC_URL": "http://127.0.0.1",
        }
        with engine.begin() as conn:
            support_key = issue_api_key(conn, "support", role="admin", key_name="support")
        api = start("api", [*EARLIER, "serve", "--port", "0"], system.processes.environment)
        system.processes.environment["PUBLIC_URL"] = api_url = str(_announced(api, "api")["api"])
        worker = start(
            "worker", [*EARLIER, "worker", "--processes", "1", "--threads", "8"], system.processes.environment
        )
        _announced(worker, "worker")
        password = make_url(database_url).password or ""
        secrets = (TOKEN, KEY, SIGNING_KEY, support_key, s3_server.secret_access_key, password)
        assert all(len(secret) > 16 for secret in secrets)
        yield LoggedSystem(system, api_url, support_key, tmp_path, secrets)


def _provoke(system: System) -> None:
    """Have jobs succeed, and fail in ways whose texts repeat the secrets."""
    repeated = f"Incorrect API key provided: {KEY}. Authorization: Bearer {TOKEN}"
    faults: tuple[tuple[str, dict[str, Any], str, str], ...] = (
        ("fail", {"error": repeated}, "queued", "provider_account"),
        ("fail", {"error": f"never heard of {KEY} and {TOKEN} (E005)"}, "failed", "content_rejected"),
        ("fail", {"error": f"IndexError in {{'openai_api_key': '{KEY}'}}"}, "queued", "provider_rejected"),
        ("unauthorized", {}, "queued", "provider_account"),
        ("payment_required", {}, "queued", "provider_account"),
        ("hang_after_accept", {}, "succeeded", ""),
    )
    story = system.ask_for_story("story", video=False)
    count = text("SELECT count(*) FROM jobs WHERE story_id = :id AND state = 'succeeded'")
    with system.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        eventually(lambda: conn.scalar(count, {"id": story}) == 2, within_s=30.0)
    for number, (action, options, state, code) in enumerate(faults):
        system.control.calm()
        system.fault(action, options=options, operation="predictions.create", count=1)
        job_id = system.ask_for_avatar(f"avatar-{number}")
        _wait_for(system, job_id, state, code)


def _wait_for(system: System, job_id: object, state: str, code: str) -> None:
    """Wait until a job is in a state, with this error as the last in its history, if one is given."""
    why = text(
        "SELECT error_code FROM job_events WHERE job_id = :id AND error_code IS NOT NULL ORDER BY seq DESC LIMIT 1"
    )
    now = text("SELECT state FROM jobs WHERE id = :id")
    with system.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:

        def reached() -> bool:
            last_code = conn.scalar(why, {"id": job_id}) or ""
            return conn.scalar(now, {"id": job_id}) == state and (not code or last_code == code)

        eventually(reached, within_s=30.0)


def _rows(engine: Engine) -> Iterator[tuple[str, bytes]]:
    with engine.connect() as conn:
        tables = list(conn.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))
        assert {"jobs", "job_events", "attempts", "assets"} <= set(tables)
        for table in tables:
            rows = conn.scalars(text(f'SELECT t::text FROM "{table}" t'))
            yield f"table {table}", "\n".join(rows).encode()


def _objects(store: S3Store, directory: Path) -> Iterator[tuple[str, bytes]]:
    for number, found in enumerate(store.list()):
        path = directory / f"object-{number}"
        store.download(found.key, path, max_bytes=found.size_bytes + 1)
        yield f"object {found.key}", found.key.encode() + path.read_bytes()


def _written(logged: LoggedSystem) -> Iterator[tuple[str, bytes]]:
    """Yield everything that the system has written, each with a name for it."""
    for path in sorted(logged.directory.glob("*.log")):
        yield path.name, path.read_bytes()
    yield from _rows(logged.system.engine)
    yield "response to support", logged.ask(EVERYTHING).encode()
    yield from _objects(logged.system.store, logged.directory)


def _traces(secret: str) -> tuple[bytes, ...]:
    """Return the forms in which a secret could show: as it is, its middle (if cut or half masked), and in base64."""
    middle = len(secret) // 4
    return secret.encode(), secret[middle:-middle].encode(), base64.b64encode(secret.encode()).rstrip(b"=")[:-2]


def _read_with_ticket(logged: LoggedSystem) -> str:
    """Read a stream, in each way and with errors, and return the ticket in its address."""
    with logged.system.engine.connect() as conn:
        job_id = encode_id(
            IdKind.JOB, conn.scalars(text("SELECT id FROM jobs WHERE finished_at IS NOT NULL LIMIT 1")).one()
        )
    address = httpx.URL(json.loads(logged.ask(TICKET, jobId=job_id))["data"]["createStreamTicket"]["url"])
    with httpx.Client(timeout=scaled(20)) as client:
        for more, status in (
            ("", 200),
            ("&offset=-1&live=sse", 200),
            ("&offset=-1&live=long-poll", 200),
            ("&live=x", 400),
        ):
            assert client.get(f"{logged.api_url}{address.raw_path.decode()}{more}").status_code == status
    return str(address.params["ticket"])


def test_no_secret_is_in_anything_that_was_written(logged: LoggedSystem) -> None:
    _provoke(logged.system)
    logged.secrets += (_read_with_ticket(logged),)
    written = dict(_written(logged))
    found = [
        f"{name} contains {secret[:12]}..."
        for name, content in written.items()
        for secret in logged.secrets
        for trace in _traces(secret)
        if trace in content
    ]
    assert found == []
    # The search covered the right texts: the masked words are there, in the rows and in the response.
    assert b"Incorrect API key provided: sk-***" in written["table job_events"]
    assert b"Incorrect API key provided: sk-***" in written["response to support"]
    assert all(written[f"{name}.log"] for name in ("api", "worker"))
    assert b"due" in written["table provider_webhooks"], "a webhook was verified, so the API had the key"
