"""`diorama serve`: the API process."""

from __future__ import annotations

import asyncio
import socket

import uvicorn
from sqlalchemy import Engine

from db.engine import connect_async
from db.migrate import current_revision, newest_revision
from diorama.announce import announce
from diorama.settings import Settings, SettingsError
from diorama.wiring import build_engine, build_offer, build_store, database_settings
from schema.app import ApiRuntime, ApiSettings, create_app

# Subscriptions end by themselves when the server stops; this bounds whatever does not.
_STOP_WITHIN_S = 10


def run_api(settings: Settings) -> None:
    """Serve the API until SIGTERM or SIGINT. Raises SettingsError where the database has not been migrated."""
    blocking = build_engine(settings, "api", pool_size=4)
    check_migrated(blocking)
    listener = socket.create_server((settings.host, settings.port), backlog=2048)
    runtime = ApiRuntime(
        engine=connect_async(database_settings(settings), name="diorama-api"),
        blocking_engine=blocking,
        store=build_store(settings),
        offer=build_offer(settings),
    )
    app = create_app(
        runtime, ApiSettings(development=settings.development, allowed_origins=tuple(settings.allowed_origins))
    )
    server = _AnnouncingServer(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=_STOP_WITHIN_S,
            server_header=False,
        )
    )
    asyncio.run(server.serve(sockets=[listener]))


def check_migrated(engine: Engine) -> None:
    """Raise SettingsError unless the database is at this program's schema."""
    with engine.connect() as conn:
        revision = current_revision(conn)
    if revision != newest_revision():
        raise SettingsError(f"the database is at revision {revision}, not {newest_revision()}: run `diorama migrate`")


class _AnnouncingServer(uvicorn.Server):
    """Says where it listens once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = (sockets or [])[0].getsockname()[:2]
        announce(api=f"http://{host}:{port}")
