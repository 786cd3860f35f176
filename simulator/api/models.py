"""Operations on models and their versions: the catalogue's can be read, the account's own also changed."""

from __future__ import annotations

from typing import Any

from simulator.api.exchange import Call, Reply, json_reply
from simulator.models import Model
from simulator.models.catalogue import LATEST_VERSION_AT
from simulator.problems import BadRequest, Forbidden, NotFound
from simulator.simulation import Simulation
from simulator.validation import SLUG, Schema, check_body

COG_VERSION = "0.16.9"
_TEXT: Schema = {"type": "string"}
_URI: Schema = {"type": "string", "format": "uri", "nullable": True}
_LINKS = ("github_url", "paper_url", "license_url", "cover_image_url")
_NEW: dict[str, Schema] = {
    "owner": _TEXT,
    "name": SLUG,
    "visibility": {"type": "string", "enum": ["public", "private"]},
    "hardware": _TEXT,
    "description": _TEXT,
    **dict.fromkeys(_LINKS, _URI),
}
_CHANGE: dict[str, Schema] = {
    **dict.fromkeys(("description", "readme"), _TEXT),
    **dict.fromkeys(("github_url", "paper_url", "weights_url", "license_url"), _URI),
}
_SORTS = {"sort_by": ("model_created_at", "latest_version_created_at"), "sort_direction": ("asc", "desc")}


async def list_all(sim: Simulation, call: Call) -> Reply:
    """GET /models"""
    for name, choices in _SORTS.items():
        if call.query.get(name, choices[0]) not in choices:
            raise BadRequest(f"Query parameter {name!r} must be one of {', '.join(choices)}")
    models = list(reversed(_all(sim)))
    return json_reply(_page(models if call.query.get("sort_direction") != "asc" else models[::-1]))


async def search(sim: Simulation, call: Call) -> Reply:
    """QUERY /models, with the search words as the body; here a description is never null"""
    found = matching(sim, call.body.decode("utf-8", "replace"))
    return json_reply(_page([{**model, "description": model["description"] or ""} for model in found]))


async def get(sim: Simulation, call: Call) -> Reply:
    """GET /models/{owner}/{name}"""
    return json_reply(_find(sim, call))


async def create(sim: Simulation, call: Call) -> Reply:
    """POST /models: the account's own model, which has no version and cannot run"""
    body = check_body(_without_empty_links(call.json()), _NEW, ("owner", "name", "visibility", "hardware"))
    if body["owner"] != sim.settings.account:
        raise Forbidden("You can only create models for your own account")
    path = f"{body['owner']}/{body['name']}"
    if path in sim.own_models:
        raise BadRequest(f"A model named {path} already exists")
    sim.own_models[path] = _described(body["owner"], body["name"], body)
    return json_reply(sim.own_models[path], 201)


async def update(sim: Simulation, call: Call) -> Reply:
    """PATCH /models/{owner}/{name}"""
    model = _own(sim, call)
    changes = check_body(_without_empty_links(call.json()), _CHANGE, ())
    sim.own_readmes[_path(call)] = changes.pop("readme", sim.own_readmes.get(_path(call), ""))
    model |= changes
    return json_reply(model)


async def delete(sim: Simulation, call: Call) -> Reply:
    """DELETE /models/{owner}/{name}"""
    _own(sim, call)
    del sim.own_models[_path(call)]
    return Reply(204)


async def examples(sim: Simulation, call: Call) -> Reply:
    """GET /models/{owner}/{name}/examples, which is always empty"""
    _find(sim, call)
    return json_reply(_page([]))


async def readme(sim: Simulation, call: Call) -> Reply:
    """GET /models/{owner}/{name}/readme"""
    described = _find(sim, call)
    text = sim.own_readmes.get(_path(call)) or f"# {described['name']}\n\n{described['description'] or ''}\n"
    return Reply(200, text.encode(), "text/plain; charset=utf-8")


async def versions(sim: Simulation, call: Call) -> Reply:
    """GET /models/{owner}/{name}/versions"""
    latest = _find(sim, call)["latest_version"]
    return json_reply(_page([latest] if latest else []))


async def version(sim: Simulation, call: Call) -> Reply:
    """GET /models/{owner}/{name}/versions/{version}"""
    return json_reply(_find_version(sim, call))


async def delete_version(sim: Simulation, call: Call) -> Reply:
    """DELETE /models/{owner}/{name}/versions/{version}, which fails: the account owns no version"""
    _find_version(sim, call)
    raise Forbidden("You can only delete versions from models you own")


async def train(sim: Simulation, call: Call) -> Reply:
    """POST /models/{owner}/{name}/versions/{version}/trainings, which fails: no model can be trained"""
    _find_version(sim, call)
    raise NotFound("The specified training destination does not exist")


def matching(sim: Simulation, words: str) -> list[dict[str, Any]]:
    """Return the public models whose name or description contains one of the words.

    Quotation marks are ignored: the JavaScript client sends its search as a JSON string.
    """
    wanted = words.lower().replace('"', " ").split()
    return [model for model in _all(sim) if any(word in _searched(model) for word in wanted)]


def describe(sim: Simulation, model: Model) -> dict[str, Any]:
    """Return the model object of a model in the catalogue."""
    body = _described(model.owner, model.name, {"description": model.description})
    latest = {
        "id": model.version,
        "created_at": LATEST_VERSION_AT,
        "cog_version": COG_VERSION,
        "openapi_schema": model.openapi_schema,
    }
    runs = sim.runs[model.path]
    return {**body, "is_official": model.official, "run_count": runs, "latest_version": latest}


def _described(owner: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "url": f"https://replicate.com/{owner}/{name}",
        "owner": owner,
        "name": name,
        "is_official": False,
        "visibility": given.get("visibility", "public"),
        "description": given.get("description"),
        **{link: given.get(link) for link in _LINKS},
        "run_count": 0,
        "default_example": None,
        "latest_version": None,
    }


def _without_empty_links(body: Any) -> Any:
    """Return the body with null for empty links: in a response, a link is a URL or null."""
    if not isinstance(body, dict):
        return body
    return {name: None if value == "" and name.endswith("_url") else value for name, value in body.items()}


def _searched(model: dict[str, Any]) -> str:
    return f"{model['owner']}/{model['name']} {model['description'] or ''}".lower()


def _all(sim: Simulation) -> list[dict[str, Any]]:
    public = [model for model in sim.own_models.values() if model["visibility"] == "public"]
    return [*(describe(sim, model) for model in sim.catalogue), *public]


def _path(call: Call) -> str:
    return f"{call.at['owner']}/{call.at['name']}"


def _find(sim: Simulation, call: Call) -> dict[str, Any]:
    model = sim.catalogue.get(call.at["owner"], call.at["name"])
    found = describe(sim, model) if model else sim.own_models.get(_path(call))
    if found is None:
        raise NotFound
    return found


def _own(sim: Simulation, call: Call) -> dict[str, Any]:
    _find(sim, call)
    if _path(call) not in sim.own_models:
        raise Forbidden("You can only change models you own")
    return sim.own_models[_path(call)]


def _find_version(sim: Simulation, call: Call) -> dict[str, Any]:
    latest: dict[str, Any] | None = _find(sim, call)["latest_version"]
    if latest is None or latest["id"] != call.at["version"]:
        raise NotFound
    return latest


def _page(results: list[dict[str, Any]]) -> dict[str, Any]:
    return {"previous": None, "next": None, "results": results}
