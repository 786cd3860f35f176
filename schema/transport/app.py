"""The ASGI application: GraphQL over HTTP and WebSocket, streams, and whether the process is up and ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from db.migrate import current_revision, is_behind, newest_revision
from jobs.engine.hints import Hinter
from schema.build import build_schema
from schema.context import Parts
from schema.database import Database
from schema.live.hub import EventHub
from schema.live.shared_results import SharedResults
from schema.runtime import LOCAL_ORIGIN, ApiRuntime, ApiSettings, Limits
from schema.transport.credit_statement_csv import statement_endpoint
from schema.transport.event_stream import OpenStreams
from schema.transport.export_routes import export_routes
from schema.transport.http import HttpEndpoint
from schema.transport.provider_webhook import provider_webhook
from schema.transport.socket_endpoint import SocketEndpoint
from schema.transport.stream_headers import EXPOSED
from schema.transport.stream_routes import stream_routes
from schema.transport.theme_pictures import theme_picture
from schema.types.credit_statement import STATEMENT_PATH
from schema.types.theme import THEMES_PATH

__all__ = ["ApiRuntime", "ApiSettings", "Limits", "create_app", "end_waiting"]


def create_app(runtime: ApiRuntime, settings: ApiSettings) -> Starlette:
    """Return the application. It listens for events from its start to its end; the engines stay the caller's."""
    database = Database(runtime.engine)
    hub = EventHub(runtime.engine, database, poll_every_s=settings.poll_every.total_seconds())
    parts = Parts(runtime, settings, database, hub, SharedResults())
    schema = build_schema(settings)
    streams = OpenStreams(parts.callers, most=settings.limits.streams, ping_every_s=settings.ping_every.total_seconds())
    app = Starlette(
        routes=[
            Route("/graphql", HttpEndpoint(schema, parts, streams)),
            WebSocketRoute("/graphql", SocketEndpoint(schema, parts)),
            *stream_routes(parts, streams),
            Route(STATEMENT_PATH, statement_endpoint(parts)),
            *export_routes(parts),
            Route(f"{THEMES_PATH}/{{name}}", theme_picture),
            Route("/healthz", _healthz),
            Route("/readyz", _readyz(database, hub)),
            *_webhook_routes(parts),
        ],
        middleware=_cross_origin(settings),
        lifespan=_lifespan(parts),
    )
    app.state.hub = hub
    return app


def _webhook_routes(parts: Parts) -> list[Route]:
    """Return the webhook endpoint; none, unless the provider is asked to send webhooks."""
    key = parts.runtime.webhook_key
    return [] if key is None else [Route("/webhooks/replicate", provider_webhook(parts, key), methods=["POST"])]


async def end_waiting(app: Starlette) -> None:
    """End every wait for events: subscribers are sent to another server, and waiting mutations respond at once.

    For a server to call when it begins to stop: it waits for its requests before it ends the application, and a
    request that waits for a job would delay it.
    """
    hub: EventHub = app.state.hub
    await hub.close()


def _lifespan(parts: Parts) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        parts.hinter = Hinter(parts.runtime.blocking_engine)
        parts.hub.start()
        parts.callers.start()
        try:
            yield
        finally:
            await parts.hub.close()
            await parts.callers.close()
            await asyncio.to_thread(parts.hinter.close)

    return lifespan


def _cross_origin(settings: ApiSettings) -> list[Middleware]:
    if not settings.allowed_origins and not settings.development:
        return []
    allowed = Middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_origin_regex=LOCAL_ORIGIN if settings.development else None,
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=["authorization", "content-type", "x-request-id"],
        expose_headers=["x-request-id", "ratelimit", "ratelimit-policy", "retry-after", *EXPOSED],
        max_age=3600,
    )
    return [allowed]


async def _healthz(_: Request) -> Response:
    return JSONResponse({"up": True})


def _readyz(database: Database, hub: EventHub) -> Callable[[Request], object]:
    async def readyz(_: Request) -> Response:
        try:
            revision = await database.read(current_revision)
        except (SQLAlchemyError, OSError):
            return JSONResponse({"ready": False, "reason": "The database is unavailable."}, 503)
        if is_behind(revision):
            reason = f"The database is at revision {revision}, this program needs {newest_revision()}."
            return JSONResponse({"ready": False, "reason": reason}, 503)
        if not hub.is_running:
            return JSONResponse({"ready": False, "reason": "Events are not delivered to subscribers."}, 503)
        return JSONResponse({"ready": True})

    return readyz
