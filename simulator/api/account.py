"""Read-only operations: the account, hardware, collections, search, trainings, the webhook secret."""

from __future__ import annotations

from typing import Any

from simulator.api import models
from simulator.api.exchange import Call, Reply, json_reply
from simulator.problems import NotFound
from simulator.simulation import Simulation

HARDWARE = (
    {"name": "CPU", "sku": "cpu"},
    {"name": "Nvidia T4 GPU", "sku": "gpu-t4"},
    {"name": "Nvidia L40S GPU", "sku": "gpu-l40s"},
    {"name": "Nvidia A100 (80GB) GPU", "sku": "gpu-a100-large"},
)
# Slug, name, description, and the kind of output that makes a model a member.
COLLECTIONS = (
    ("text-to-image", "Generate images", "Models that make pictures from words and other pictures.", "images"),
    ("image-to-video", "Generate videos", "Models that make videos from words and pictures.", "video"),
)
MOST_RESULTS, USUAL_RESULTS = 50, 20


def account(sim: Simulation) -> dict[str, Any]:
    """Return the only account."""
    name = sim.settings.account
    return {
        "type": "organization",
        "username": name,
        "name": name.capitalize(),
        "github_url": f"https://github.com/{name}",
        "avatar_url": f"https://github.com/{name}.png",
    }


async def get_account(sim: Simulation, call: Call) -> Reply:
    """GET /account"""
    return json_reply(account(sim))


async def hardware(sim: Simulation, call: Call) -> Reply:
    """GET /hardware"""
    return json_reply(list(HARDWARE))


async def webhook_secret(sim: Simulation, call: Call) -> Reply:
    """GET /webhooks/default/secret"""
    return json_reply({"key": sim.settings.webhook_secret})


async def collections(sim: Simulation, call: Call) -> Reply:
    """GET /collections"""
    return json_reply({"previous": None, "next": None, "results": [_collection(row) for row in COLLECTIONS]})


async def collection(sim: Simulation, call: Call) -> Reply:
    """GET /collections/{slug}"""
    row = next((row for row in COLLECTIONS if row[0] == call.at["slug"]), None)
    if row is None:
        raise NotFound
    members = [models.describe(sim, model) for model in sim.catalogue if model.kind == row[3]]
    return json_reply({**_collection(row), "full_description": row[2], "models": members})


async def search(sim: Simulation, call: Call) -> Reply:
    """GET /search, the only operation whose errors are plain JSON without a status"""
    query, limit = call.query.get("query"), call.query.get("limit", str(USUAL_RESULTS))
    if not query:
        return json_reply({"detail": 'Query parameter "query" is required'}, 400)
    if not limit.isdigit() or not 1 <= int(limit) <= MOST_RESULTS:
        return json_reply({"detail": f'Query parameter "limit" must be a number from 1 to {MOST_RESULTS}'}, 400)
    found = models.matching(sim, query)[: int(limit)]
    matching = [row for row in COLLECTIONS if any(word in row[1].lower() for word in query.lower().split())]
    return json_reply(
        {
            "query": query,
            "models": [{"model": model, "metadata": _metadata(model)} for model in found],
            "collections": [_collection(row) for row in matching],
            "pages": [],
        }
    )


async def trainings(sim: Simulation, call: Call) -> Reply:
    """GET /trainings, which is always empty"""
    return json_reply({"previous": None, "next": None, "results": []})


async def no_training(sim: Simulation, call: Call) -> Reply:
    """GET /trainings/{id} and POST /trainings/{id}/cancel"""
    raise NotFound


def _collection(row: tuple[str, str, str, str]) -> dict[str, Any]:
    return {"slug": row[0], "name": row[1], "description": row[2]}


def _metadata(model: dict[str, Any]) -> dict[str, Any]:
    return {"generated_description": model["description"], "tags": [], "score": 1.0}
