"""The facts about a request that fault rules match, above all its model and prompt."""

from __future__ import annotations

from typing import Any

from simulator.api.exchange import Call
from simulator.faults.reading import API, DELIVERY
from simulator.faults.rules import Facts
from simulator.predictions import Prediction
from simulator.problems import BadRequest
from simulator.simulation import Simulation


def of_call(sim: Simulation, call: Call) -> Facts:
    """Return the facts of a request to the API."""
    about = (
        sim.predictions.by_id.get(call.at["id"])
        if call.operation.startswith("predictions.") and "id" in call.at
        else None
    )
    if about is not None:
        return _facts(API, call, about.model.path, about.prompt)
    if call.operation.endswith("predictions.create"):
        return _facts(API, call, *_created(sim, call))
    path = (
        f"{call.at['owner']}/{call.at['name']}" if call.operation.startswith("models.") and "name" in call.at else None
    )
    return _facts(API, call, path, "")


def of_download(call: Call, about: Prediction | None) -> Facts:
    """Return the facts of a request for an output file."""
    return _facts(DELIVERY, call, about.model.path if about else None, about.prompt if about else "")


def _facts(listener: str, call: Call, model: str | None, prompt: str) -> Facts:
    return Facts(listener, call.operation, call.method, call.path, model, prompt)


def _created(sim: Simulation, call: Call) -> tuple[str | None, str]:
    """Return the model and prompt of a creation, which may still be invalid."""
    try:
        body: Any = call.json()
    except BadRequest:
        body = None
    body = body if isinstance(body, dict) else {}
    given = body.get("input")
    prompt = given.get("prompt") if isinstance(given, dict) else None
    return _model_path(sim, call, body), prompt if isinstance(prompt, str) else ""


def _model_path(sim: Simulation, call: Call, body: dict[str, Any]) -> str | None:
    if call.operation == "models.predictions.create":
        return f"{call.at['owner']}/{call.at['name']}"
    if call.operation == "deployments.predictions.create":
        deployment = sim.deployments.get(call.at["name"])
        return str(deployment["current_release"]["model"]) if deployment else None
    model = sim.catalogue.named_by(str(body.get("version", "")))
    return model.path if model else None
