"""The table of operations, and the application that serves it."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from simulator.api import account, control, deployments, files, models, predictions
from simulator.api.endpoint import Endpoint, Operation
from simulator.api.exchange import problem_reply
from simulator.problems import NotFound, Problem
from simulator.simulation import Simulation

_MODEL = "/models/{owner}/{name}"
_VERSION = _MODEL + "/versions/{version}"
_DEPLOYMENT = "/deployments/{owner}/{name}"

# The most frequent operations come first: routes are tried in order.
OPERATIONS: tuple[Operation, ...] = (
    Operation("predictions.get", "GET", "/predictions/{id}", predictions.get),
    Operation("predictions.create", "POST", "/predictions", predictions.create_by_version),
    Operation("models.predictions.create", "POST", _MODEL + "/predictions", predictions.create_by_model),
    Operation("predictions.list", "GET", "/predictions", predictions.list_all),
    Operation("predictions.cancel", "POST", "/predictions/{id}/cancel", predictions.cancel),
    Operation("files.create", "POST", "/files", files.create),
    Operation("files.list", "GET", "/files", files.list_all),
    Operation("files.get", "GET", "/files/{id}", files.get),
    Operation("files.delete", "DELETE", "/files/{id}", files.delete),
    Operation("files.download", "GET", "/files/{id}/download", files.download),
    Operation("models.list", "GET", "/models", models.list_all),
    Operation("models.create", "POST", "/models", models.create),
    Operation("models.search", "QUERY", "/models", models.search),
    Operation("models.get", "GET", _MODEL, models.get),
    Operation("models.update", "PATCH", _MODEL, models.update),
    Operation("models.delete", "DELETE", _MODEL, models.delete),
    Operation("models.examples.list", "GET", _MODEL + "/examples", models.examples),
    Operation("models.readme.get", "GET", _MODEL + "/readme", models.readme),
    Operation("models.versions.list", "GET", _MODEL + "/versions", models.versions),
    Operation("models.versions.get", "GET", _VERSION, models.version),
    Operation("models.versions.delete", "DELETE", _VERSION, models.delete_version),
    Operation("trainings.create", "POST", _VERSION + "/trainings", models.train),
    Operation("trainings.list", "GET", "/trainings", account.trainings),
    Operation("trainings.get", "GET", "/trainings/{id}", account.no_training),
    Operation("trainings.cancel", "POST", "/trainings/{id}/cancel", account.no_training),
    Operation("deployments.list", "GET", "/deployments", deployments.list_all),
    Operation("deployments.create", "POST", "/deployments", deployments.create),
    Operation("deployments.get", "GET", _DEPLOYMENT, deployments.get),
    Operation("deployments.update", "PATCH", _DEPLOYMENT, deployments.update),
    Operation("deployments.delete", "DELETE", _DEPLOYMENT, deployments.delete),
    Operation("deployments.predictions.create", "POST", _DEPLOYMENT + "/predictions", deployments.predict),
    Operation("account.get", "GET", "/account", account.get_account),
    Operation("collections.list", "GET", "/collections", account.collections),
    Operation("collections.get", "GET", "/collections/{slug}", account.collection),
    Operation("hardware.list", "GET", "/hardware", account.hardware),
    Operation("search", "GET", "/search", account.search),
    Operation("webhooks.default.secret.get", "GET", "/webhooks/default/secret", account.webhook_secret),
)

# The simulator's own operations need no token, have no limits, and are exempt from faults.
CONTROL: tuple[Operation, ...] = (
    Operation("_simulator", "GET", "", control.overview, needs_token=False),
    Operation("_simulator.menu", "GET", "/faults/menu", control.menu, needs_token=False),
    Operation("_simulator.faults.list", "GET", "/faults", control.list_faults, needs_token=False),
    Operation("_simulator.faults.add", "POST", "/faults", control.add_faults, needs_token=False),
    Operation("_simulator.faults.clear", "DELETE", "/faults", control.clear_faults, needs_token=False),
    Operation("_simulator.faults.remove", "DELETE", "/faults/{id}", control.remove_fault, needs_token=False),
    Operation("_simulator.bill", "GET", "/bill", control.get_bill, needs_token=False),
    Operation("_simulator.counters", "GET", "/counters", control.counters, needs_token=False),
    Operation("_simulator.webhooks", "GET", "/webhooks", control.webhooks, needs_token=False),
    Operation("_simulator.clock", "POST", "/clock", control.advance_clock, needs_token=False),
    Operation("_simulator.reset", "POST", "/reset", control.reset, needs_token=False),
)


def api_app(sim: Simulation) -> Starlette:
    """Return the application of the API listener."""
    routes = [_route(sim, operation, "/v1") for operation in OPERATIONS]
    routes += [_route(sim, operation, "/_simulator") for operation in CONTROL]
    return Starlette(routes=routes, exception_handlers={404: _not_found, 405: _not_allowed})


def _route(sim: Simulation, operation: Operation, prefix: str) -> Route:
    return Route(prefix + operation.path, Endpoint(sim, operation), methods=[operation.method])


async def _not_found(request: Request, _: Exception) -> Response:
    return _response(NotFound())


async def _not_allowed(request: Request, _: Exception) -> Response:
    body = {"detail": f'Method "{request.method}" not allowed.', "status": 405}
    return _response(Problem(405, body, {"Allow": ", ".join(_methods_there(request))}))


def _methods_there(request: Request) -> list[str]:
    """Return the methods of all operations on this path, because Starlette itself names only those of the first."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in routes for method in route.methods})


def _response(problem: Problem) -> Response:
    reply = problem_reply(problem)
    return Response(reply.body, reply.status, dict(reply.headers), reply.content_type)
