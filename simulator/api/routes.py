"""The table of operations, and the application made from it."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.api import predictions
from simulator.api.endpoint import Endpoint, Operation
from simulator.api.exchange import problem_reply
from simulator.problems import NotFound, Problem
from simulator.simulation import Simulation

# The operations that clients call most come first: routes are tried in order.
OPERATIONS: tuple[Operation, ...] = (
    Operation("predictions.get", "GET", "/predictions/{id}", predictions.get),
    Operation("predictions.create", "POST", "/predictions", predictions.create_by_version),
    Operation("models.predictions.create", "POST", "/models/{owner}/{name}/predictions", predictions.create_by_model),
    Operation("predictions.list", "GET", "/predictions", predictions.list_all),
    Operation("predictions.cancel", "POST", "/predictions/{id}/cancel", predictions.cancel),
)


def api_app(sim: Simulation) -> Starlette:
    """Return the application of the API listener."""
    routes = [_route(sim, operation, "/v1") for operation in OPERATIONS]
    return Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_allowed})


def _route(sim: Simulation, operation: Operation, prefix: str) -> Route:
    return Route(prefix + operation.path, Endpoint(sim, operation), methods=[operation.method])


async def _not_found(request: Request, _: Exception) -> Response:
    return _response(NotFound())


async def _not_allowed(request: Request, refused: Exception) -> Response:
    allowed = refused.headers if isinstance(refused, HTTPException) else None
    body = {"detail": f'Method "{request.method}" not allowed.', "status": 405}
    return _response(Problem(405, body, dict(allowed or {})))


def _response(problem: Problem) -> Response:
    reply = problem_reply(problem)
    return Response(reply.body, reply.status, dict(reply.headers), reply.content_type)
