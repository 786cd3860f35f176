"""Schemathesis sends random documents to the API as every kind of caller: none is an error of the server.

A run of `make soak` sends 5,000 as each; `make test-clients` sends 300.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import GraphQLObjectType

from schema.build import build_schema
from schema.runtime import ApiSettings
from storage import S3Store
from tests.conformance.conftest import HERE, ROOT
from tests.schema.isolation.belongings import Belongings, belongings
from tests.support.databases import unique_name
from tests.support.partners import partner
from tests.support.serving import Caller, Server, serving

CALLERS = ("no one", "a session", "a key", "support")
# A session that ends itself would be no one from then on.
EXCLUDED = ("Mutation.endSession",)
SEED = os.environ.get("CONFORMANCE_SEED", "1")


@pytest.fixture
def own_server(database_url: str, store: S3Store) -> Iterator[Server]:
    """Yield an API with a database of its own: support pauses steps and suspends accounts."""
    with serving(database_url, store=store) as running:
        yield running


def caller_of(server: Server, kind: str) -> tuple[Caller, Belongings]:
    """Return a caller, and what it may name. Support and strangers name what a user has."""
    acme = partner(server, unique_name("acme"))
    user, hers = belongings(acme, unique_name("ada"))
    secrets = {
        "no one": None,
        "a session": user.secret,
        "a key": acme.secret,
        "support": partner(server, unique_name("support"), role="admin").secret,
    }
    return Caller(server, secrets[kind]), hers


def operations() -> int:
    """Return the number of fields that are called, each as often as another."""
    schema = build_schema(ApiSettings())._schema
    roots = [each for each in (schema.query_type, schema.mutation_type) if isinstance(each, GraphQLObjectType)]
    return sum(len(each.fields) for each in roots) - len(EXCLUDED)


@pytest.mark.parametrize("kind", CALLERS)
@pytest.mark.parametrize("calls", [300, pytest.param(5_000, marks=pytest.mark.thorough)])
@pytest.mark.timeout(7_200)
def test_no_document_is_an_error_of_the_server(
    schemathesis: str, own_server: Server, tmp_path: Path, kind: str, calls: int
) -> None:
    caller, own = caller_of(own_server, kind)
    log = tmp_path / "calls"
    run = subprocess.run(
        [schemathesis, "run", str(ROOT / "schema/schema.graphql"), *arguments(caller, 1 + calls // operations())],
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": str(HERE / "graphql_hooks.py"),
            "FUZZ_OWN": json.dumps(own),
            "FUZZ_CALLS": str(log),
        },
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-12_000:] + run.stderr
    made = log.read_text().splitlines()
    assert len(made) >= calls
    assert kind == "no one" or made.count("200") > len(made) // 10


def arguments(caller: Caller, examples: int) -> list[str]:
    """Return the arguments of Schemathesis's command."""
    return [
        f"--url={caller.server.url}/graphql",
        *(f"--header={name}: {value}" for name, value in caller.headers.items()),
        *(f"--exclude-name={each}" for each in EXCLUDED),
        "--checks=no_server_error",
        "--phases=fuzzing",
        "--mode=positive",
        f"--max-examples={examples}",
        f"--seed={SEED}",
        "--continue-on-failure",
        "--generation-database=none",
        "--warnings=off",
        "--no-color",
    ]
