"""Operations on predictions: create (three ways), get, list, cancel."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from simulator.api import facts
from simulator.api.exchange import Call, Reply, json_reply
from simulator.clock import from_text
from simulator.faults.menu import ERRORS
from simulator.models import Model
from simulator.pages import cut
from simulator.predictions import Options, Prediction
from simulator.problems import BadRequest, InvalidVersion, NotFound
from simulator.simulation import PredictionRequest, Simulation
from simulator.validation import MODEL_PREDICTION, VERSION_PREDICTION, check_body, check_input

HIDDEN = "hidden"
LONGEST_WAIT_S = 60
LONGEST_CANCEL_AFTER_S = 720 * 3600
TOO_BIG_BYTES = 20_000_000
"""The approximate request size from which predictions are interrupted (code PA)."""
_PREFER = re.compile(r"wait(?:=(\d{1,2}))?$")
_CANCEL_AFTER = re.compile(r"(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s?)?$")


async def create_by_version(sim: Simulation, call: Call) -> Reply:
    """POST /predictions"""
    body = check_body(call.json(), VERSION_PREDICTION, ("version", "input"))
    model = sim.catalogue.named_by(body["version"])
    if model is None:
        raise InvalidVersion
    return await _create(sim, call, _request(sim, call, body, model, _shown_version(model, body["version"])))


async def create_by_model(sim: Simulation, call: Call) -> Reply:
    """POST /models/{owner}/{name}/predictions, for official models only"""
    model = sim.catalogue.get(call.at["owner"], call.at["name"])
    if model is None or not model.official:
        raise NotFound
    return await create_for(sim, call, model, HIDDEN)


async def get(sim: Simulation, call: Call) -> Reply:
    """GET /predictions/{id}"""
    return json_reply(sim.describe(_find(sim, call)))


async def cancel(sim: Simulation, call: Call) -> Reply:
    """POST /predictions/{id}/cancel: a prediction that is over is returned unchanged"""
    prediction = _find(sim, call)
    sim.lifecycle.cancel(prediction)
    return json_reply(sim.describe(prediction))


async def list_all(sim: Simulation, call: Call) -> Reply:
    """GET /predictions"""
    positions = sim.predictions.created_between(_time(call, "created_after"), _time(call, "created_before"))
    if call.query.get("source") == "web":
        positions = range(0)
    page = cut(positions, f"{sim.addresses.api}/v1/predictions", call.query)
    found = sim.predictions.newest_first(page.positions)
    return json_reply(page.as_json([sim.describe(each) for each in found if _is_listed(sim, each)]))


async def create_for(
    sim: Simulation, call: Call, model: Model, version: str, *, deployment: str | None = None
) -> Reply:
    """Accept a prediction for a model that the path names."""
    body = check_body(call.json(), MODEL_PREDICTION, ("input",))
    return await _create(sim, call, _request(sim, call, body, model, version, deployment))


async def _create(sim: Simulation, call: Call, request: PredictionRequest) -> Reply:
    """Accept a prediction and return it: at once, or after the wait that `Prefer` requests."""
    check_input(request.input, request.model, reject_unknown=sim.settings.reject_unknown_inputs)
    prediction = sim.create(request, _faults(sim, call))
    preferred = _PREFER.match(call.headers.get("prefer", ""))
    fresh = sim.describe(prediction)
    headers = {"Location": fresh["urls"]["get"]}
    if preferred is None:
        return json_reply(fresh, 201, headers)
    return await _after_wait(sim, prediction, fresh, preferred, headers)


def _faults(sim: Simulation, call: Call) -> dict[str, Options]:
    """Return the faults of the prediction that this call creates."""
    too_big: dict[str, Options] = {"fail": {"error": ERRORS["PA"]}} if len(call.body) >= TOO_BIG_BYTES else {}
    if not sim.faults.rules:
        return too_big
    found = sim.faults.for_prediction(facts.of_call(sim, call))
    sim.counters.faults.update(found.keys())
    return {**too_big, **found}


def _request(
    sim: Simulation, call: Call, body: dict[str, Any], model: Model, version: str, deployment: str | None = None
) -> PredictionRequest:
    return PredictionRequest(
        model=model,
        version=version,
        input=body["input"],
        webhook=body.get("webhook"),
        webhook_events=tuple(body["webhook_events_filter"]) if "webhook_events_filter" in body else None,
        cancel_after_s=_cancel_after_s(sim, call),
        deployment=deployment,
    )


async def _after_wait(
    sim: Simulation,
    prediction: Prediction,
    fresh: dict[str, Any],
    preferred: re.Match[str],
    headers: dict[str, str],
) -> Reply:
    """Return the prediction once it has output or has ended, or as it was created if the wait ends first.

    The real service does both: with output, the status may still read `processing`; if the wait ends first, it reads
    `starting`, whatever the prediction's state by then.
    """
    wait_s = min(int(preferred[1] or LONGEST_WAIT_S), LONGEST_WAIT_S)
    headers["Preference-Applied"] = preferred[0]
    if await _has_news(prediction, wait_s):
        return json_reply(sim.describe(prediction), 201, headers)
    return json_reply(fresh, 202, headers)


async def _has_news(prediction: Prediction, wait_s: float) -> bool:
    if prediction.is_over:
        return True
    waiter = asyncio.get_running_loop().create_future()
    prediction.waiters.append(waiter)
    done, _ = await asyncio.wait([waiter], timeout=wait_s)
    return bool(done)


def _find(sim: Simulation, call: Call) -> Prediction:
    prediction = sim.predictions.by_id.get(call.at["id"])
    if prediction is None:
        raise NotFound
    return prediction


def _is_listed(sim: Simulation, prediction: Prediction) -> bool:
    """Return whether lists show it yet: a fault may hide it for a while."""
    late = prediction.faults.get("list_late")
    return late is None or sim.clock.now() >= prediction.created_at + float(late["seconds"])


def _shown_version(model: Model, requested: str) -> str:
    """Return the version, which official models hide unless it was requested by name."""
    return HIDDEN if model.official and model.version not in requested else model.version


def _cancel_after_s(sim: Simulation, call: Call) -> float | None:
    text = call.headers.get("cancel-after")
    if text is None:
        return None
    found = _CANCEL_AFTER.match(text.strip())
    if found is None or not any(found.groups()):
        raise BadRequest(f"Invalid Cancel-After header {text!r}: use a duration such as 30s, 5m or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    total_s = hours * 3600 + minutes * 60 + seconds
    if total_s < sim.settings.min_cancel_after_s:
        raise BadRequest("Invalid Cancel-After header: the minimum duration is 5 seconds")
    if total_s > LONGEST_CANCEL_AFTER_S:
        raise BadRequest("Invalid Cancel-After header: the maximum duration is 720 hours")
    return float(total_s)


def _time(call: Call, name: str) -> float | None:
    text = call.query.get(name)
    if text is None:
        return None
    try:
        return from_text(text)
    except ValueError:
        raise BadRequest(f"Query parameter {name!r} must be an ISO 8601 date-time, not {text!r}") from None
