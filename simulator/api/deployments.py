"""Operations on deployments: create, update, delete, and run their model."""

from __future__ import annotations

from typing import Any

from simulator.api import predictions
from simulator.api.account import account
from simulator.api.exchange import Call, Reply, json_reply
from simulator.clock import to_text
from simulator.problems import BadRequest, InvalidVersion, NotFound
from simulator.simulation import Simulation
from simulator.validation import SLUG, Schema, check_body

_INSTANCES: dict[str, Schema] = {
    "min_instances": {"type": "integer", "minimum": 0, "maximum": 5},
    "max_instances": {"type": "integer", "minimum": 0, "maximum": 20},
}
_TEXT: Schema = {"type": "string"}
_CHANGE: dict[str, Schema] = {"hardware": _TEXT, "version": _TEXT, **_INSTANCES}
_NEW: dict[str, Schema] = {"name": SLUG, "model": _TEXT, **_CHANGE}


async def list_all(sim: Simulation, call: Call) -> Reply:
    """GET /deployments"""
    newest_first = list(reversed(sim.deployments.values()))
    return json_reply({"previous": None, "next": None, "results": newest_first})


async def create(sim: Simulation, call: Call) -> Reply:
    """POST /deployments"""
    body = check_body(call.json(), _NEW, tuple(_NEW))
    _check_version(sim, body["model"], body["version"])
    if body["name"] in sim.deployments:
        raise BadRequest(f"A deployment named {body['name']} already exists")
    release = _release(sim, 1, body["model"], body["version"], _configuration(body))
    sim.deployments[body["name"]] = {
        "owner": sim.settings.account,
        "name": body["name"],
        "current_release": release,
    }
    return json_reply(sim.deployments[body["name"]])


async def get(sim: Simulation, call: Call) -> Reply:
    """GET /deployments/{owner}/{name}"""
    return json_reply(_find(sim, call))


async def update(sim: Simulation, call: Call) -> Reply:
    """PATCH /deployments/{owner}/{name}: every change makes a new release"""
    deployment = _find(sim, call)
    changes = check_body(call.json(), _CHANGE, ())
    current = deployment["current_release"]
    version = changes.pop("version", current["version"])
    _check_version(sim, current["model"], version)
    configuration = {**current["configuration"], **changes}
    deployment["current_release"] = _release(sim, current["number"] + 1, current["model"], version, configuration)
    return json_reply(deployment)


async def delete(sim: Simulation, call: Call) -> Reply:
    """DELETE /deployments/{owner}/{name}"""
    del sim.deployments[_find(sim, call)["name"]]
    return Reply(204)


async def predict(sim: Simulation, call: Call) -> Reply:
    """POST /deployments/{owner}/{name}/predictions"""
    deployment = _find(sim, call)
    release = deployment["current_release"]
    model = sim.catalogue.by_path[release["model"]]
    name = f"{deployment['owner']}/{deployment['name']}"
    return await predictions.create_for(sim, call, model, release["version"], deployment=name)


def _find(sim: Simulation, call: Call) -> dict[str, Any]:
    deployment = sim.deployments.get(call.at["name"])
    if deployment is None or call.at["owner"] != sim.settings.account:
        raise NotFound
    return deployment


def _check_version(sim: Simulation, path: str, version: str) -> None:
    model = sim.catalogue.by_path.get(path)
    if model is None or model.version != version:
        raise InvalidVersion


def _configuration(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in ("hardware", "min_instances", "max_instances")}


def _release(sim: Simulation, number: int, model: str, version: str, configuration: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": number,
        "model": model,
        "version": version,
        "created_at": to_text(sim.clock.now()),
        "created_by": account(sim),
        "configuration": configuration,
    }
