"""Hooks for Schemathesis, beside Replicate's description of its API. They run in Schemathesis's own environment.

Random data from the description alone would nearly always lead to 404, because no object has a random name. So every
second call of an operation names an object that exists, made for that call if the call may delete it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import itertools
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import requests
import schemathesis
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import UndefinedStatusCode

URL = os.environ["SIMULATOR_URL"] + "/v1"
TOKEN = os.environ["SIMULATOR_TOKEN"]
FILES_SECRET = os.environ["SIMULATOR_FILES_SECRET"]
ACCOUNT = "simulator"
OWNER, NAME = "openai", "gpt-image-2"
UNREACHABLE = "http://127.0.0.1:9/"
"""The address for webhooks: a port of this machine on which nothing listens."""

VALID_FOR_S = 10**6

# Replicate returns these statuses, although its description does not list them.
KNOWN_ERRORS = frozenset({400, 401, 403, 404, 422})

_calls: defaultdict[str, Iterator[int]] = defaultdict(itertools.count)
_session = requests.Session()
_session.headers["Authorization"] = f"Bearer {TOKEN}"


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Fix the description's one mistake: the version "hidden" matches both branches of a `oneOf`, which rejects it."""
    version = raw_schema["components"]["schemas"]["schemas_prediction_response"]["properties"]["version"]
    version["anyOf"] = version.pop("oneOf")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Let every second call of an operation be able to succeed; keep all webhooks on this machine."""
    if isinstance(case.body, dict) and "webhook" in case.body:
        case.body["webhook"] = UNREACHABLE
    if next(_calls[case.operation.label]) % 2 == 0:
        _make_possible(case)
    if case.path == "/files/{file_id}/download":
        case.query.update(_signed(case.path_parameters["file_id"]))


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Accept an undescribed status if it is an error of the real service, in the form of such errors."""
    undescribed = isinstance(failure, UndefinedStatusCode) and response.status_code in KNOWN_ERRORS
    return not (undescribed and _is_problem(response))


def _make_possible(case: Any) -> None:
    # The stateful phase uses objects that it has made itself.
    if case.meta.phase.name is not TestPhase.STATEFUL:
        case.path_parameters.update(_existing(case))
    if isinstance(case.body, dict):
        case.body.update(BODIES.get(case.operation.label, dict)())


def _is_problem(response: Any) -> bool:
    return (
        response.headers["content-type"] == ["application/problem+json"]
        and isinstance(response.json()["detail"], str)
        and response.json()["status"] == response.status_code
    )


def _existing(case: Any) -> dict[str, str]:
    """Return values for the path's parameters that name existing objects."""
    if "{model_owner}" in case.path:
        return _own_model() if case.path.endswith("{model_name}") and case.method != "GET" else _public_model()
    found = next((make for name, make in MAKERS.items() if name in case.path_parameters), dict)
    return found()


def _made(path: str, **more: Any) -> dict[str, Any]:
    response = _session.post(URL + path, timeout=10, **more)
    response.raise_for_status()
    made: dict[str, Any] = response.json()
    return made


def _public_model() -> dict[str, str]:
    return {"model_owner": OWNER, "model_name": NAME, "version_id": _version()}


def _own_model() -> dict[str, str]:
    made = _made("/models", json={"owner": ACCOUNT, "name": _new_name(), "visibility": "private", "hardware": "cpu"})
    return {"model_owner": ACCOUNT, "model_name": made["name"]}


def _file() -> dict[str, str]:
    return {"file_id": _made("/files", files={"content": ("a.txt", b"content", "text/plain")})["id"]}


def _deployment() -> dict[str, str]:
    new = {"name": _new_name(), "min_instances": 0, "max_instances": 1, **_release()}
    return {"deployment_owner": ACCOUNT, "deployment_name": _made("/deployments", json=new)["name"]}


def _prediction() -> dict[str, str]:
    """Return the latest predictions one after another: together they are in every possible state."""
    latest = _session.get(f"{URL}/predictions", timeout=10).json()["results"]
    return {"prediction_id": latest[next(_calls["predictions"]) % len(latest)]["id"]}


@functools.cache
def _version() -> str:
    latest: str = _session.get(f"{URL}/models/{OWNER}/{NAME}", timeout=10).json()["latest_version"]["id"]
    return latest


def _release() -> dict[str, str]:
    return {"model": f"{OWNER}/{NAME}", "version": _version(), "hardware": "cpu"}


def _new_name() -> str:
    return f"made-{next(_calls['names'])}"


def _signed(file_id: str) -> dict[str, str]:
    expiry = str(int(time.time()) + VALID_FOR_S)
    digest = hmac.new(FILES_SECRET.encode(), f"{ACCOUNT} {file_id} {expiry}".encode(), hashlib.sha256).digest()
    return {"owner": ACCOUNT, "expiry": expiry, "signature": base64.b64encode(digest).decode()}


def _input() -> dict[str, Any]:
    return {"input": {"prompt": "a fox"}}


MAKERS: dict[str, Callable[[], dict[str, str]]] = {
    "file_id": _file,
    "deployment_name": _deployment,
    "prediction_id": _prediction,
    "collection_slug": lambda: {"collection_slug": "text-to-image"},
}
BODIES: dict[str, Callable[[], dict[str, Any]]] = {
    "POST /predictions": lambda: {**_input(), "version": f"{OWNER}/{NAME}"},
    "POST /models/{model_owner}/{model_name}/predictions": _input,
    "POST /deployments/{deployment_owner}/{deployment_name}/predictions": _input,
    "POST /models": lambda: {"owner": ACCOUNT, "name": _new_name()},
    "POST /deployments": lambda: {**_release(), "name": _new_name()},
    "PATCH /deployments/{deployment_owner}/{deployment_name}": lambda: {"version": _version()},
}
