"""Operations of the simulator itself, under `/_simulator`: faults, the bill, counters, webhooks, the clock, reset."""

from __future__ import annotations

from typing import Any

from simulator.api.exchange import Call, Reply, json_reply
from simulator.bill import bill
from simulator.clock import LONGEST_S
from simulator.faults.menu import ERRORS, MENU
from simulator.faults.reading import InvalidRule
from simulator.problems import BadRequest, NotFound
from simulator.simulation import Simulation

HELP = {
    "GET /_simulator/faults/menu": "all fault actions with their options, and the error texts",
    "GET /_simulator/faults": "the active rules, with the number of times that each matched and fired",
    "POST /_simulator/faults": "add a rule, a list of rules or {rules: [...]}",
    "DELETE /_simulator/faults": "remove all rules",
    "DELETE /_simulator/faults/{id}": "remove one rule",
    "GET /_simulator/bill": "accepted creations and their cost, by model and by webhook token",
    "GET /_simulator/counters": "the numbers of requests, responses, webhooks and faults",
    "GET /_simulator/webhooks": "all webhooks that were sent, with the outcome of each attempt",
    "POST /_simulator/clock": "{advance_s: N} moves the clock ahead N seconds, and everything that becomes due happens",
    "POST /_simulator/reset": "remove all predictions, files and rules, and clear the bill and the counters",
}


async def overview(sim: Simulation, call: Call) -> Reply:
    """GET /_simulator"""
    return json_reply({"api": sim.addresses.api, "delivery": sim.addresses.delivery, "operations": HELP})


async def menu(sim: Simulation, call: Call) -> Reply:
    """GET /_simulator/faults/menu"""
    return json_reply({"actions": {name: action.as_json() for name, action in MENU.items()}, "errors": ERRORS})


async def list_faults(sim: Simulation, call: Call) -> Reply:
    """GET /_simulator/faults"""
    return json_reply({"rules": [rule.as_json() for rule in sim.faults.rules]})


async def add_faults(sim: Simulation, call: Call) -> Reply:
    """POST /_simulator/faults"""
    try:
        rules = sim.faults.add_all(call.json())
    except InvalidRule as invalid:
        raise BadRequest(str(invalid)) from None
    return json_reply({"rules": [rule.as_json() for rule in rules]}, 201)


async def clear_faults(sim: Simulation, call: Call) -> Reply:
    """DELETE /_simulator/faults"""
    sim.faults.clear()
    return Reply(204)


async def remove_fault(sim: Simulation, call: Call) -> Reply:
    """DELETE /_simulator/faults/{id}"""
    if not sim.faults.remove(call.at["id"]):
        raise NotFound
    return Reply(204)


async def get_bill(sim: Simulation, call: Call) -> Reply:
    """GET /_simulator/bill"""
    return json_reply(bill(sim.predictions.in_order))


async def counters(sim: Simulation, call: Call) -> Reply:
    """GET /_simulator/counters"""
    return json_reply(sim.counters.as_json())


async def webhooks(sim: Simulation, call: Call) -> Reply:
    """GET /_simulator/webhooks"""
    return json_reply({"webhooks": [message.as_json() for message in sim.webhooks.sent]})


async def advance_clock(sim: Simulation, call: Call) -> Reply:
    """POST /_simulator/clock"""
    seconds: Any = call.object().get("advance_s")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
        raise BadRequest(f"advance_s must be a number of seconds, 0 or more, not {seconds!r}")
    if sim.clock.ahead_s + seconds > LONGEST_S:
        raise BadRequest(f"the clock may be at most {LONGEST_S:.0f} seconds ahead in total, which is a hundred years")
    sim.scheduler.advance(float(seconds))
    return json_reply({"ahead_s": sim.clock.ahead_s})


async def reset(sim: Simulation, call: Call) -> Reply:
    """POST /_simulator/reset"""
    sim.reset()
    return Reply(204)
