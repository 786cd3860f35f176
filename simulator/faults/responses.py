"""Spoils HTTP responses: carries out the actions of the stages `request` and `response`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus

from simulator.api.exchange import Reply, Transmission, problem_reply
from simulator.counters import Counters
from simulator.faults.menu import Stage
from simulator.faults.rules import Facts, Faults, Rule
from simulator.predictions import Options
from simulator.problems import NotFound, Problem, Unauthenticated

HTML = "text/html; charset=UTF-8"


async def under(faults: Faults, counters: Counters, facts: Facts, handle: Callable[[], Awaitable[Reply]]) -> Reply:
    """Return the response to a request under the active rules; `handle` returns it as if there were none."""
    rule = _first(faults, counters, Stage.REQUEST, facts)
    reply = await _instead(rule) if rule else None
    if reply is not None:
        return reply
    reply = await handle()
    # A request that fails anyway was not accepted, so no fault can follow.
    rule = _first(faults, counters, Stage.RESPONSE, facts) if reply.status < 400 else None
    return _SPOILED[rule.action.name](rule.options, reply) if rule else reply


def _first(faults: Faults, counters: Counters, stage: Stage, facts: Facts) -> Rule | None:
    rule = faults.first(stage, facts)
    if rule is not None:
        counters.faults[rule.action.name] += 1
    return rule


async def _instead(rule: Rule) -> Reply | None:
    """Return the response of a rule of the stage `request`, or None if the request is to be handled after all."""
    if rule.action.name == "stall":
        await asyncio.sleep(float(rule.options["seconds"]))
        return None
    return _INSTEAD[rule.action.name](rule.options)


def _unauthorized(_: Options) -> Reply:
    return problem_reply(Unauthenticated())


def _payment_required(_: Options) -> Reply:
    detail = (
        "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to "
        "purchase credit. Once you purchase credit, please wait a few minutes before trying again."
    )
    return problem_reply(Problem(402, {"title": "Insufficient credit", "detail": detail, "status": 402}))


def _throttle(options: Options) -> Reply:
    seconds = options["retry_after_s"]
    unit = "second" if seconds == 1 else "seconds"
    return _throttled(options, f"Request was throttled. Expected available in {seconds} {unit}.")


def _throttle_low_credit(options: Options) -> Reply:
    detail = (
        "Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute with a "
        "burst of 1 requests while you have less than $5.0 in credit. Your rate limit resets in "
        f"~{options['retry_after_s']}s."
    )
    return _throttled(options, detail)


def _throttled(options: Options, detail: str) -> Reply:
    seconds = options["retry_after_s"]
    body = {"detail": detail, "status": 429}
    if options["in_body"]:
        body["retry_after"] = seconds
    return problem_reply(Problem(429, body, {"Retry-After": str(seconds)} if options["in_header"] else {}))


def _not_found(_: Options) -> Reply:
    return problem_reply(NotFound())


def _server_error(options: Options) -> Reply:
    status = int(options["status"])
    return Reply(status, _page(status) if options["html"] else b"", HTML)


def _page(status: int) -> bytes:
    title = f"{status} {HTTPStatus(status).phrase}"
    return (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n"
        f"<body><center><h1>{title}</h1></center><hr><center>cloudflare</center></body></html>\n"
    ).encode()


_INSTEAD: dict[str, Callable[[Options], Reply]] = {
    "unauthorized": _unauthorized,
    "payment_required": _payment_required,
    "throttle": _throttle,
    "throttle_low_credit": _throttle_low_credit,
    "not_found": _not_found,
    "server_error": _server_error,
    "hang_before_accept": lambda _: Reply(504, transmission=Transmission(lost=True)),
    "reset_before_accept": lambda _: Reply(502, transmission=Transmission(reset=True)),
}

_SPOILED: dict[str, Callable[[Options, Reply], Reply]] = {
    "hang_after_accept": lambda _, reply: replace(reply, transmission=Transmission(lost=True)),
    "reset_after_accept": lambda _, reply: replace(reply, transmission=Transmission(reset=True)),
    "error_after_accept": lambda options, _: _server_error(options),
    "slow_body": lambda options, reply: replace(
        reply, transmission=Transmission(body_takes_s=float(options["seconds"]))
    ),
    "cut_body": lambda options, reply: replace(
        reply, transmission=Transmission(reset=True, cut_at=float(options["part"]))
    ),
    "garble_body": lambda _, reply: Reply(200, _page(200), HTML, reply.headers),
}
